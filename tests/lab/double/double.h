// SPDX-License-Identifier: Apache-2.0
// A stand-in for a QEMU process that owns passed-through PCI devices. It is no mock of the kernel:
// it opens the real VFIO group, enables real MSI-X, MSI or INTx with eventfds, makes a KVM VM with
// real vCPUs, names and pins its threads as QEMU does, and lets the devices raise real interrupts
// through their own registers. main.c has its arguments.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define MAX_VECTORS 64
#define MAX_DEVICES 16

enum mode { INTX, MSI, MSIX };

/// One passed-through device.
struct device {
  char address[32];
  int group;  ///< Number of its IOMMU group.
  int group_fd, fd, container;
  int vectors;  ///< How many the guest's driver asks for.
  enum mode mode;
  int event[MAX_VECTORS];  ///< An eventfd for each.
  uint32_t id;             ///< Device and vendor, as in 0x10d38086.
  uint32_t class;
  uint64_t config;        ///< Offset of the configuration space on `fd`.
  volatile uint8_t* bar;  ///< NULL if it cannot raise interrupts by itself.
  uint64_t raised[MAX_VECTORS], got[MAX_VECTORS];

  struct {
    uint8_t* memory;  ///< Page 2i is submission queue i, page 2i+1 completion queue i.
    uint64_t iova;
    uint32_t stride;  ///< Bytes from one doorbell to the next.
    int queues, tail[MAX_VECTORS], head[MAX_VECTORS], phase[MAX_VECTORS];
  } nvme;
};

_Noreturn void die(const char* what);
void nap(long microseconds);
uint32_t get32(struct device* d, unsigned offset);
void set32(struct device* d, unsigned offset, uint32_t value);
void set64(struct device* d, unsigned offset, uint64_t value);

// vfio.c
/// Opens `d` by its address; `devices` are those already open, which may share its group.
void device_open(struct device* d, struct device* devices, int container);
/// The first `count` vectors; 0 frees them all. -1 if the kernel refuses.
int set_vectors(struct device* d, int count);
/// Reads the count of vector `v`, and unmasks INTx.
void take_interrupt(struct device* d, int v);
/// As a guest that reboots: frees all vectors, resets the device and asks for them anew.
void device_reboot(struct device* d);

// registers.c
/// Makes the device ready to raise interrupts; -1 if it cannot.
int device_prepare(struct device* d);
void device_raise(struct device* d, int v);

// nvme.c
int nvme_start(struct device* d);
int nvme_raise(struct device* d, int v);

// threads.c
/// A real KVM VM with two pages of memory, in which each vCPU halts for ever, or counts (VMD_BURN).
void make_vm(void);
/// The threads that QEMU would have: vCPUs, one that raises the devices' interrupts, and an idle
/// one.
void start_threads(struct device* devices, int count, int vcpus);
/// Pins a thread (0: the caller) to "0-1", or to "2+10" for a set of two. False if it holds no CPU.
int pin(unsigned long thread, const char* cpus);
/// USR1: the guest reboots. USR2: pause, go on. HUP: print the counts. TERM: end.
void catch_signals(void);
int is_stopping(void);
void print_counts(const struct device* devices, int count);
