#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "allocations.h"
#include "fuzzing.h"

static _Atomic uint64_t numbers[fuzzing_worker_limit];
/// When the input began by the processor time of its thread, in nanoseconds; 0 between inputs.
static _Atomic int64_t beginnings[fuzzing_worker_limit];
/// The same by the clock.
static _Atomic int64_t clock_beginnings[fuzzing_worker_limit];
/// What tells the processor time of a worker's thread.
static _Atomic clockid_t clocks[fuzzing_worker_limit];
static _Thread_local uint64_t current_number;
static _Thread_local int64_t last_duration;
static int64_t limit;
/// On a busy machine a thread may wait for long; one that waits for this many limits is stuck.
static const int64_t patience = 60;

/// 0 where the clock is of a thread that has ended.
static int64_t now(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time) != 0) return 0;
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void report(const char *what, uint64_t number) {
  char text[160];
  int count = snprintf(text, sizeof text, "\ninput %llu %s\n", (unsigned long long)number, what);
  if (write(STDERR_FILENO, text, (size_t)count) < 0) return;
}

static void *watch(void *unused) {
  (void)unused;
  for (;;) {
    usleep(100000);
    for (int worker = 0; worker < fuzzing_worker_limit; worker++) {
      int64_t began = atomic_load(&beginnings[worker]);
      if (began == 0) continue;
      int64_t used = now(atomic_load(&clocks[worker])) - began;
      int64_t passed = now(CLOCK_MONOTONIC) - atomic_load(&clock_beginnings[worker]);
      if (used > limit || passed > patience * limit) {
        report("takes too long", atomic_load(&numbers[worker]));
        _exit(1);
      }
    }
  }
  return NULL;
}

static void crash(int number) {
  (void)number;
  report("crashes", current_number);
  _exit(1);
}

void fuzzing_watch(double seconds) {
  limit = (int64_t)(seconds * 1e9);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = crash;
  action.sa_flags = SA_ONSTACK;
  // The sanitizer reports what it finds itself; traps are not among that.
  static const int always[] = {SIGILL, SIGTRAP, SIGFPE};
  for (size_t i = 0; i < sizeof always / sizeof *always; i++) sigaction(always[i], &action, NULL);
  if (allocations_are_counted()) {
    static const int others[] = {SIGSEGV, SIGBUS, SIGABRT};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) sigaction(others[i], &action, NULL);
  }
  pthread_t thread;
  pthread_create(&thread, NULL, watch, NULL);
  pthread_detach(thread);
}

void fuzzing_prepare_thread(void) {
  if (!allocations_are_counted()) return;
  static _Thread_local char stack[65536];
  stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&alternative, NULL);
}

void fuzzing_begin(int worker, uint64_t number) {
  current_number = number;
  atomic_store(&numbers[worker], number);
  clockid_t clock;
  pthread_getcpuclockid(pthread_self(), &clock);
  atomic_store(&clocks[worker], clock);
  atomic_store(&clock_beginnings[worker], now(CLOCK_MONOTONIC));
  atomic_store(&beginnings[worker], now(clock));
  allocations_begin();
}

void fuzzing_end(int worker) {
  allocations_end();
  last_duration = now(atomic_load(&clocks[worker])) - atomic_load(&beginnings[worker]);
  atomic_store(&beginnings[worker], 0);
}

double fuzzing_seconds(void) { return last_duration / 1e9; }

int64_t fuzzing_peak_bytes(void) { return allocations_peak(); }
