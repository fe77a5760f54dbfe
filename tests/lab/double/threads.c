// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "double.h"

static volatile sig_atomic_t stopping, paused, reboot_wanted, counts_wanted;
static int vm_fd = -1;
static int burning;  // The vCPUs count, rather than halt.

// A vCPU's memory: code at 0x1000, and at 0x2000 eight bytes for each vCPU's count, so far apart.
enum { kPage = 4096, kCountsApart = 64 };

static const uint8_t kHalt[] = {0xf4, 0xeb, 0xfd};  // hlt; jmp $-1
// add dword [0], 1; adc dword [4], 0; jmp back
static const uint8_t kCount[] = {0x66, 0x83, 0x06, 0, 0, 1, 0x66, 0x83, 0x16, 4, 0, 0, 0xeb, 0xf2};

struct devices {
  struct device* first;
  int count;
};

static void on_signal(int signal) {
  if (signal == SIGUSR1)
    reboot_wanted = 1;
  else if (signal == SIGUSR2)
    paused = !paused;
  else if (signal == SIGHUP)
    counts_wanted = 1;
  else
    stopping = 1;
}

void catch_signals(void) {
  struct sigaction action = {.sa_handler = on_signal};
  const int kSignals[] = {SIGUSR1, SIGUSR2, SIGHUP, SIGTERM, SIGINT};
  for (size_t i = 0; i < sizeof kSignals / sizeof *kSignals; i++)
    sigaction(kSignals[i], &action, 0);
}

int is_stopping(void) {
  return stopping;
}

void print_counts(const struct device* devices, int count) {
  for (const struct device* d = devices; d < devices + count; d++)
    for (int v = 0; v < d->vectors; v++)
      printf("double: %s[%d] raised %lu got %lu\n", d->address, v, d->raised[v], d->got[v]);
  fflush(stdout);
}

int pin(unsigned long thread, const char* cpus) {
  cpu_set_t set;
  int found = 0;
  CPU_ZERO(&set);
  while (*cpus >= '0' && *cpus <= '9') {
    char* end;
    long cpu = strtol(cpus, &end, 10), last = cpu;
    if (*end == '-')
      last = strtol(end + 1, &end, 10);
    for (; cpu <= last; cpu++, found++)
      CPU_SET(cpu, &set);
    cpus = *end == '+' ? end + 1 : end;
  }
  return found && !pthread_setaffinity_np(thread ? thread : pthread_self(), sizeof set, &set);
}

// The page of the counts is the file that VMD_BURN names, so that others can read it.
static void map_counts(uint8_t* at) {
  const char* path = getenv("VMD_BURN");
  int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) : -1;
  if (!path)
    return;
  if (fd < 0 || ftruncate(fd, kPage) ||
      mmap(at, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
    die(path);
  close(fd);
  burning = 1;
}

void make_vm(void) {
  int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
  vm_fd = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0);
  if (vm_fd < 0) {
    perror("double: /dev/kvm");
    return;
  }
  uint8_t* memory = mmap(0, 2 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  map_counts(memory + kPage);
  memcpy(memory, burning ? kCount : kHalt, burning ? sizeof kCount : sizeof kHalt);
  struct kvm_userspace_memory_region region = {0, 0, 0x1000, 2 * kPage, (uintptr_t)memory};
  ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &region);
}

static int make_vcpu(int index) {
  int fd = vm_fd < 0 ? -1 : ioctl(vm_fd, KVM_CREATE_VCPU, index);
  if (fd < 0)
    return -1;
  struct kvm_sregs segments;
  struct kvm_regs registers = {.rip = 0x1000, .rflags = 2};
  ioctl(fd, KVM_GET_SREGS, &segments);
  segments.cs.base = segments.cs.selector = 0;
  segments.ds.base = 0x2000 + (uint64_t)(index * kCountsApart);
  ioctl(fd, KVM_SET_SREGS, &segments);
  ioctl(fd, KVM_SET_REGS, &registers);
  return fd;
}

static void* run_vcpu(void* argument) {
  int index = (int)(intptr_t)argument;
  char name[16];
  snprintf(name, sizeof name, "CPU %d/KVM", index);
  prctl(PR_SET_NAME, name);
  int fd = make_vcpu(index);
  while (!stopping) {
    if (fd >= 0)
      ioctl(fd, KVM_RUN, 0);  // It halts at once, or counts until a signal comes.
    if (fd < 0 || !burning)
      nap(250000);
  }
  return 0;
}

static void* run_idle(void* name) {
  prctl(PR_SET_NAME, (char*)name);
  while (!stopping)
    nap(500000);
  return 0;
}

// "200,100,50": interrupts a second of vector 0, 1, ...; the last value holds for the rest.
static void read_rates(double rates[MAX_VECTORS]) {
  const char* text = getenv("VMD_RATES");
  double rate = 0;
  for (int v = 0; v < MAX_VECTORS; v++) {
    if (text && *text) {
      char* end;
      rate = strtod(text, &end);
      text = *end == ',' ? end + 1 : end;
    }
    rates[v] = rate;
  }
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void raise_due(struct device* d, double* due, const double* rates, double seconds) {
  const double kMost = 40;  // What a slow machine could not raise in time is let go.
  for (int v = 0; v < d->vectors; v++) {
    due[v] += rates[v] * seconds;
    if (due[v] > kMost)
      due[v] = kMost;
    for (; due[v] >= 1; due[v] -= 1)
      device_raise(d, v);
  }
}

static void obey(const struct devices* all) {
  if (reboot_wanted) {
    reboot_wanted = 0;
    for (int i = 0; i < all->count; i++)
      device_reboot(&all->first[i]);
    printf("double: rebooted\n");
  }
  if (counts_wanted) {
    counts_wanted = 0;
    print_counts(all->first, all->count);
  }
}

static void* run_raiser(void* argument) {
  struct devices* all = argument;
  static double due[MAX_DEVICES][MAX_VECTORS];
  double rates[MAX_VECTORS];
  read_rates(rates);
  prctl(PR_SET_NAME, "IO iothread0");
  for (double last = now(), time; !stopping; last = time) {
    nap(5000);
    time = now();
    obey(all);
    for (int i = 0; i < all->count && !paused; i++)
      raise_due(&all->first[i], due[i], rates, time - last);
  }
  return 0;
}

// vCPU i is pinned to the i-th of "2,3,4+5"; those beyond may run everywhere.
static void start_vcpus(int vcpus) {
  const char* pins = getenv("VMD_PIN");
  for (int i = 0; i < vcpus; i++) {
    pthread_t thread;
    pthread_create(&thread, 0, run_vcpu, (void*)(intptr_t)i);
    if (!pins || !pin(thread, pins))
      pin(thread, "0-1023");
    if (pins)
      pins += strcspn(pins, ",");
    if (pins && *pins)
      pins++;
  }
}

void start_threads(struct device* devices, int count, int vcpus) {
  static struct devices all;
  pthread_t thread;
  all = (struct devices){devices, count};
  pthread_create(&thread, 0, run_idle, "call_rcu");
  pthread_create(&thread, 0, run_raiser, &all);
  start_vcpus(vcpus);
}
