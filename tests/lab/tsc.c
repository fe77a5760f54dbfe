// SPDX-License-Identifier: Apache-2.0
// Prints how many kHz this machine's time stamp counter runs at; nothing where there is none.
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>

enum { kTries = 50 };

struct Reading {
  uint64_t ticks;
  int64_t ns;
};

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC_RAW, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// The reading whose two clocks were least apart: on a busy machine others come between.
static struct Reading read_clocks(void) {
  struct Reading best = {0, 0};
  int64_t least = INT64_MAX;
  for (int i = 0; i < kTries; ++i) {
    const int64_t start = now();
    const uint64_t ticks = __rdtsc();
    const int64_t end = now();
    if (end - start < least) {
      least = end - start;
      best = (struct Reading){ticks, start + least / 2};
    }
  }
  return best;
}

int main(void) {
  const struct timespec pause = {0, 100000000};
  const struct Reading first = read_clocks();
  nanosleep(&pause, NULL);
  const struct Reading last = read_clocks();
  printf("%.0f\n", (double)(last.ticks - first.ticks) * 1e6 / (double)(last.ns - first.ns));
  return 0;
}
#else
int main(void) {
  return 0;
}
#endif
