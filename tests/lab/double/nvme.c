// SPDX-License-Identifier: Apache-2.0
// Enough of an NVMe driver to make a completion, and so an interrupt, on every vector.
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "double.h"

enum { DEPTH = 16, PAGE = 4096, PAIR = 2 * PAGE, CC = 0x14, CSTS = 0x1c };

enum { CREATE_SQ = 1, CREATE_CQ = 5, SET_FEATURES = 9, GET_FEATURES = 10, NUMBER_OF_QUEUES = 7 };

static void submit(struct device* d, int q, const uint32_t command[16]) {
  memcpy(d->nvme.memory + PAIR * q + 64 * d->nvme.tail[q], command, 64);
  d->nvme.tail[q] = (d->nvme.tail[q] + 1) % DEPTH;
  __sync_synchronize();
  set32(d, 0x1000 + 2 * q * d->nvme.stride, d->nvme.tail[q]);
}

// Takes one completion, if there is one, and its status.
static int reap(struct device* d, int q, int* status) {
  volatile uint32_t* entry = (void*)(d->nvme.memory + PAIR * q + PAGE + 16 * d->nvme.head[q]);
  uint32_t word = entry[3];
  if (((word >> 16) & 1) != (uint32_t)d->nvme.phase[q])
    return 0;
  *status = word >> 17;
  if (++d->nvme.head[q] == DEPTH)
    d->nvme.head[q] = 0, d->nvme.phase[q] ^= 1;
  set32(d, 0x1000 + (2 * q + 1) * d->nvme.stride, d->nvme.head[q]);
  return 1;
}

static int admin(
    struct device* d, uint32_t op, uint64_t address, uint32_t dword10, uint32_t dword11) {
  uint32_t command[16] = {op};
  int status = -1;
  command[6] = address, command[7] = address >> 32, command[10] = dword10, command[11] = dword11;
  submit(d, 0, command);
  for (int i = 0; i < 2000; i++) {
    if (reap(d, 0, &status))
      return status;
    nap(1000);
  }
  return -1;
}

static int map_memory(struct device* d) {
  static uint64_t next = 0x10000000;
  size_t length = (size_t)PAIR * MAX_VECTORS;
  d->nvme.memory =
      mmap(0, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
  d->nvme.iova = next;
  next += 0x1000000;
  struct vfio_iommu_type1_dma_map map = {.argsz = sizeof map,
                                         .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
                                         .vaddr = (uintptr_t)d->nvme.memory,
                                         .iova = d->nvme.iova,
                                         .size = length};
  if (!ioctl(d->container, VFIO_IOMMU_MAP_DMA, &map))
    return 0;
  fprintf(stderr, "double: MAP_DMA: %s\n", strerror(errno));
  return -1;
}

static int is_ready(struct device* d) {
  return get32(d, CSTS) & 1;
}

static int enable(struct device* d) {
  set32(d, CC, 0);
  for (int i = 0; i < 2000 && is_ready(d); i++)
    nap(1000);
  set32(d, 0x24, (DEPTH - 1) << 16 | (DEPTH - 1));
  set64(d, 0x28, d->nvme.iova);
  set64(d, 0x30, d->nvme.iova + PAGE);
  set32(d, CC, 4 << 20 | 6 << 16 | 1);
  for (int i = 0; i < 3000 && !is_ready(d); i++)
    nap(1000);
  return is_ready(d) ? 0 : -1;
}

static void create_queues(struct device* d) {
  int wanted = d->vectors > 1 ? d->vectors - 1 : 1, q;
  admin(d, SET_FEATURES, 0, NUMBER_OF_QUEUES, (wanted - 1) << 16 | (wanted - 1));
  for (q = 1; q <= wanted; q++) {
    uint64_t base = d->nvme.iova + PAIR * q;
    uint32_t vector = d->vectors > 1 ? q : 0;
    if (admin(d, CREATE_CQ, base + PAGE, (DEPTH - 1) << 16 | q, vector << 16 | 3))
      break;
    if (admin(d, CREATE_SQ, base, (DEPTH - 1) << 16 | q, q << 16 | 1))
      break;
  }
  d->nvme.queues = q;
}

int nvme_start(struct device* d) {
  uint64_t capabilities = get32(d, 0) | (uint64_t)get32(d, 4) << 32;
  d->nvme.stride = 4 << ((capabilities >> 32) & 15);
  if (!d->nvme.memory && map_memory(d))
    return -1;
  memset(d->nvme.memory, 0, (size_t)PAIR * MAX_VECTORS);
  for (int q = 0; q < MAX_VECTORS; q++)
    d->nvme.tail[q] = d->nvme.head[q] = 0, d->nvme.phase[q] = 1;
  if (enable(d))
    return -1;
  create_queues(d);
  return 0;
}

// Get Features on the admin queue, Flush on the others.
int nvme_raise(struct device* d, int v) {
  uint32_t command[16] = {v ? 0 : GET_FEATURES, v ? 1 : 0};
  int status;
  if (v >= d->nvme.queues)
    return 0;
  while (reap(d, v, &status)) {
  }
  if ((d->nvme.tail[v] + 1) % DEPTH == d->nvme.head[v])
    return 0;
  command[10] = v ? 0 : NUMBER_OF_QUEUES;
  submit(d, v, command);
  return 1;
}
