// SPDX-License-Identifier: Apache-2.0
// How each kind of device raises an interrupt by itself: e1000e by ICS, igb and igbvf by EICS, edu
// by its register 0x60, NVMe by a command.
#include <unistd.h>

#include "double.h"

enum { E1000E = 0x10d38086, IGB = 0x10c98086, IGBVF = 0x10ca8086, EDU = 0x11e81234 };

uint32_t get32(struct device* d, unsigned offset) {
  return *(volatile uint32_t*)(d->bar + offset);
}

void set32(struct device* d, unsigned offset, uint32_t value) {
  *(volatile uint32_t*)(d->bar + offset) = value;
}

void set64(struct device* d, unsigned offset, uint64_t value) {
  set32(d, offset, value);
  set32(d, offset + 4, value >> 32);
}

static int is_nvme(const struct device* d) {
  return d->class >> 8 == 0x0108;
}

static void prepare_e1000e(struct device* d) {
  set32(d, 0xD8, 0xffffffff);                                  // IMC
  set32(d, 0xE4, 8 | 9 << 4 | 10 << 8 | 11 << 12 | 12 << 16);  // IVAR: a vector for each cause
  (void)get32(d, 0xC0);
  set32(d, 0xC0, 0xffffffff);
  set32(d, 0xD0, 0x01f00000);  // IMS
}

static void prepare_igb(struct device* d) {
  if (d->id == IGB)
    set32(d, 0x1514, 1u << 4 | 1);           // GPIE: multiple MSI-X
  set32(d, 0x1528, 0xffffffff);              // EIMC
  set32(d, 0x152C, 0xffffffff);              // EIAC: clears itself
  set32(d, 0x1524, (1u << d->vectors) - 1);  // EIMS
}

int device_prepare(struct device* d) {
  uint16_t command = 0x6;  // Memory and bus master.
  if (pwrite(d->fd, &command, 2, d->config + 4) != 2)
    die("config write");
  if (!d->bar)
    return -1;
  if (d->id == E1000E)
    prepare_e1000e(d);
  if (d->id == IGB || d->id == IGBVF)
    prepare_igb(d);
  return is_nvme(d) ? nvme_start(d) : 0;
}

static int raise_edu(struct device* d) {
  set32(d, 0x60, 1);
  if (d->mode != INTX)
    set32(d, 0x64, 1);
  return 1;
}

static int raise_e1000e(struct device* d, int v) {
  if (v > 4)
    return 0;
  set32(d, 0xC0, 1u << (20 + v));
  set32(d, 0xC8, 1u << (20 + v));
  return 1;
}

static int raise_igb(struct device* d, int v) {
  set32(d, 0x1580, 1u << v);  // EICR
  set32(d, 0x1524, (1u << d->vectors) - 1);
  set32(d, 0x1520, 1u << v);  // EICS
  return 1;
}

void device_raise(struct device* d, int v) {
  int done = 0;
  if (!d->bar)
    return;
  if (d->id == E1000E)
    done = raise_e1000e(d, v);
  if (d->id == IGB || d->id == IGBVF)
    done = raise_igb(d, v);
  if (d->id == EDU && v == 0)
    done = raise_edu(d);
  if (is_nvme(d))
    done = nvme_raise(d, v);
  d->raised[v] += done;
}
