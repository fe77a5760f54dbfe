// SPDX-License-Identifier: Apache-2.0
// What a reaction to a new vector is measured against: waits for irq_vectors:vector_update on each
// CPU, as `irqtune watch` does, and
//   react           prints each: "WHEN IRQ CPU PID", WHEN in nanoseconds of CLOCK_MONOTONIC
//   react CPU       writes CPU as the mask of each interrupt that another process gave a CPU, reads
//   back where
//                   it is, and prints "WHEN IRQ TOOK", from the event to the end of the read
#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define TRACEPOINT "/sys/kernel/tracing/events/irq_vectors/vector_update/"

enum { kMostCpus = 256, kPages = 8, kPage = 4096 };

// A record with PERF_SAMPLE_TID | TIME | RAW. The raw data: 8 bytes that each event has, then irq,
// vector, cpu, ... as the tracepoint's format file says.
struct sample {
  struct perf_event_header header;
  uint32_t pid, tid;
  uint64_t time;
  uint32_t size;
  uint8_t raw[20];
} __attribute__((packed));

static struct pollfd events[kMostCpus];
static struct perf_event_mmap_page* rings[kMostCpus];

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int open_cpus(void) {
  struct perf_event_attr attr = {
      .type = PERF_TYPE_TRACEPOINT,
      .size = sizeof attr,
      .sample_period = 1,
      .sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW,
      .wakeup_events = 1,
      .use_clockid = 1,
      .clockid = CLOCK_MONOTONIC};
  FILE* id = fopen(TRACEPOINT "id", "r");
  int count = sysconf(_SC_NPROCESSORS_ONLN);
  unsigned number = 0;
  if (!id || fscanf(id, "%u", &number) != 1)
    return 0;
  fclose(id);
  attr.config = number;
  for (int cpu = 0; cpu < count; cpu++) {
    int fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, 0);
    void* at = mmap(0, (1 + kPages) * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || at == MAP_FAILED)
      return 0;
    events[cpu] = (struct pollfd){.fd = fd, .events = POLLIN};
    rings[cpu] = at;
  }
  return count;
}

static void place(uint32_t irq, const char* cpu) {
  char path[64], text[64];
  snprintf(path, sizeof path, "/proc/irq/%u/smp_affinity_list", irq);
  int fd = open(path, O_WRONLY);
  if (fd < 0 || write(fd, cpu, strlen(cpu)) < 0)
    perror(path);
  close(fd);
  snprintf(path, sizeof path, "/proc/irq/%u/effective_affinity_list", irq);
  fd = open(path, O_RDONLY);
  if (fd < 0 || read(fd, text, sizeof text) < 0)
    perror(path);
  close(fd);
}

static void take(struct perf_event_mmap_page* ring, const char* target) {
  const uint8_t* data = (uint8_t*)ring + kPage;
  uint64_t head = __atomic_load_n(&ring->data_head, __ATOMIC_ACQUIRE);
  while (ring->data_tail < head) {
    struct sample sample = {0};
    uint32_t irq, cpu;
    for (size_t i = 0; i < sizeof sample; i++)
      ((uint8_t*)&sample)[i] = data[(ring->data_tail + i) % (kPages * kPage)];
    __atomic_store_n(&ring->data_tail, ring->data_tail + sample.header.size, __ATOMIC_RELEASE);
    if (sample.header.type != PERF_RECORD_SAMPLE || (int)sample.pid == getpid())
      continue;
    memcpy(&irq, sample.raw + 8, 4);
    memcpy(&cpu, sample.raw + 16, 4);
    if (target) {
      place(irq, target);
      printf("%lu %u %lu\n", sample.time, irq, now() - sample.time);
    } else {
      printf("%lu %u %u %u\n", sample.time, irq, cpu, sample.pid);
    }
  }
}

int main(int argc, char** argv) {
  int count = open_cpus();
  setvbuf(stdout, 0, _IOLBF, 0);
  if (!count) {
    fprintf(stderr, "react: no tracepoint " TRACEPOINT "\n");
    return 1;
  }
  while (poll(events, count, -1) > 0)
    for (int cpu = 0; cpu < count; cpu++)
      take(rings[cpu], argc > 1 ? argv[1] : 0);
  return 0;
}
