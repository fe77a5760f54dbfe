// SPDX-License-Identifier: Apache-2.0
// Called like QEMU, so that /proc/PID/cmdline looks right (double.h says what it is):
//   qemu-system-x86_64 -name guest=vm1,debug-threads=on -enable-kvm -smp 2 -m 512
//        -device vfio-pci,host=0000:21:00.0 [-device vfio-pci,...] -daemonize -pidfile FILE
// The environment has what QEMU has no arguments for:
//   VMD_PIN=8,9       vCPU i is pinned to the i-th of these; "2-3" is a set, "2+10" too
//   VMD_EMUPIN=0-1    all other threads
//   VMD_RATES=200,50  interrupts a second of vector 0, 1, ... (the last one repeats); default 0
//   VMD_VECTORS=N     at most N vectors a device; VMD_MODE=msix|msi|intx (default: the best it has)
//   VMD_BURN=FILE     the vCPUs burn: each counts as fast as it can, in the eight bytes at 64 times
//   its
//                     index of FILE
//   VMD_STEP_MS=700   after a guest's reboot the vectors come one by one, so far apart: each time
//                     all are freed and one more is made, as QEMU does while a guest's driver asks
//                     for them
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "double.h"

struct options {
  const char* pid_file;
  int vcpus, kvm, daemonize, count;
};

static struct device devices[MAX_DEVICES];

_Noreturn void die(const char* what) {
  fprintf(stderr, "double: %s: %s\n", what, strerror(errno));
  exit(1);
}

void nap(long microseconds) {
  struct timespec time = {microseconds / 1000000, microseconds % 1000000 * 1000};
  nanosleep(&time, 0);
}

static void add_device(struct options* options, const char* text) {
  const char* host = strstr(text, "host=");
  if (strncmp(text, "vfio-pci", 8) || !host || options->count == MAX_DEVICES)
    return;
  struct device* d = &devices[options->count++];
  snprintf(d->address, sizeof d->address, "%.*s", (int)strcspn(host + 5, ","), host + 5);
}

static struct options read_options(char** arguments) {
  struct options options = {.vcpus = 1};
  for (char** a = arguments; *a; a++) {
    const char* value = a[1] ? a[1] : "";
    if (!strcmp(*a, "-smp"))
      options.vcpus = atoi(value);
    if (!strcmp(*a, "-enable-kvm"))
      options.kvm = 1;
    if (!strcmp(*a, "-daemonize"))
      options.daemonize = 1;
    if (!strcmp(*a, "-pidfile"))
      options.pid_file = value;
    if (!strcmp(*a, "-device"))
      add_device(&options, value);
  }
  return options;
}

// The parent returns from its call once the child says that it is ready. Returns what to say it on.
static int become_daemon(void) {
  int ends[2];
  char byte;
  if (pipe2(ends, O_CLOEXEC))
    die("pipe");
  pid_t child = fork();
  if (child < 0)
    die("fork");
  if (child) {
    close(ends[1]);
    exit(read(ends[0], &byte, 1) == 1 ? 0 : 1);
  }
  close(ends[0]);
  setsid();
  return ends[1];
}

static void open_devices(int count) {
  int container = count ? open("/dev/vfio/vfio", O_RDWR) : -1;
  if (count && container < 0)
    die("/dev/vfio/vfio");
  for (int i = 0; i < count; i++)
    device_open(&devices[i], devices, container);
}

static void say_ready(const struct options* options, int pipe_end) {
  FILE* file = options->pid_file ? fopen(options->pid_file, "w") : 0;
  if (file) {
    fprintf(file, "%d\n", getpid());
    fclose(file);
  }
  if (pipe_end >= 0 && write(pipe_end, "x", 1) == 1)
    close(pipe_end);
}

static void take_interrupts(int count) {
  int poll = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < count; i++)
    for (int v = 0; v < devices[i].vectors; v++) {
      struct epoll_event event = {.events = EPOLLIN, .data.u32 = i << 8 | v};
      epoll_ctl(poll, EPOLL_CTL_ADD, devices[i].event[v], &event);
    }
  while (!is_stopping()) {
    struct epoll_event events[16];
    int n = epoll_wait(poll, events, 16, 200);
    for (int i = 0; i < n; i++)
      take_interrupt(&devices[events[i].data.u32 >> 8], events[i].data.u32 & 255);
  }
}

int main(int argc, char** argv) {
  (void)argc;
  struct options options = read_options(argv + 1);
  int pipe_end = options.daemonize ? become_daemon() : -1;
  const char* emulator = getenv("VMD_EMUPIN");
  setvbuf(stdout, 0, _IOLBF, 0);
  if (options.kvm)
    make_vm();
  catch_signals();
  open_devices(options.count);
  if (emulator)
    pin(0, emulator);
  start_threads(devices, options.count, options.vcpus);
  nap(300000);
  say_ready(&options, pipe_end);
  take_interrupts(options.count);
  return 0;
}
