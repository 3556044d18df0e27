// Counts what a thread has allocated, by standing in front of glibc's allocator.
#include "allocations.h"

#include <errno.h>
#include <malloc.h>
#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

static _Thread_local int64_t held;
static _Thread_local int64_t peak;
static _Thread_local bool is_counting;

void allocations_begin(void) {
  held = 0;
  peak = 0;
  is_counting = true;
}

void allocations_end(void) { is_counting = false; }

#ifdef HAS_SANITIZER

bool allocations_are_counted(void) { return false; }
int64_t allocations_peak(void) { return -1; }

#else

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

bool allocations_are_counted(void) { return true; }
int64_t allocations_peak(void) { return peak; }

static void *counted(void *memory) {
  if (is_counting && memory != NULL) {
    held += (int64_t)malloc_usable_size(memory);
    if (held > peak) peak = held;
  }
  return memory;
}

static void released(void *memory) {
  if (is_counting && memory != NULL) held -= (int64_t)malloc_usable_size(memory);
}

void *malloc(size_t size) { return counted(__libc_malloc(size)); }

void *calloc(size_t count, size_t size) { return counted(__libc_calloc(count, size)); }

void *realloc(void *memory, size_t size) {
  int64_t before = is_counting && memory != NULL ? (int64_t)malloc_usable_size(memory) : 0;
  void *moved = __libc_realloc(memory, size);
  if (moved != NULL || size == 0) {
    if (is_counting) held -= before;
    counted(moved);
  }
  return moved;
}

void *memalign(size_t alignment, size_t size) { return counted(__libc_memalign(alignment, size)); }

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
  void *made = memalign(alignment, size);
  if (made == NULL) return ENOMEM;
  *memory = made;
  return 0;
}

void free(void *memory) {
  released(memory);
  __libc_free(memory);
}

#endif
