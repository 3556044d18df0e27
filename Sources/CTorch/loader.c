#define _GNU_SOURCE
#include "ctorch.h"

#include <dlfcn.h>
#include <link.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *open_library(const char *path, int mode, char *error, size_t capacity) {
  void *handle = dlopen(path, mode);
  if (!handle) snprintf(error, capacity, "%s", dlerror());
  return handle;
}

// Threads that wait for the others of an operator spin for milliseconds by default. Beside any other
// busy program one of them has lost its core, and the waiting ones keep it from coming back: a run
// on two cores beside a compiler made 28 images/s, and 870 with the short wait set here, after
// which a thread sleeps. Alone on the machine small models lose up to a tenth.
static void wait_briefly(void) {
  if (!getenv("OMP_WAIT_POLICY")) setenv("GOMP_SPINCOUNT", "100", /*overwrite=*/0);
}

const ct_api *ct_load(const char *libtorch, const char *bridge, char *error, size_t capacity) {
  char path[4096];
  wait_briefly();  // read when libtorch loads libgomp
  // Global, so that the bridge finds its symbols; in the order of their dependencies.
  const char *required[] = {"libc10.so", "libtorch_cpu.so"};
  for (size_t i = 0; i < 2; ++i) {
    snprintf(path, sizeof path, "%s/lib/%s", libtorch, required[i]);
    if (!open_library(path, RTLD_LAZY | RTLD_GLOBAL, error, capacity)) return NULL;
  }
  // With workspaces of one size cuBLAS repeats its results to the bit; libtorch insists on it where
  // only such results are wanted. Read when CUDA starts.
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  // Loading the CUDA library registers its kernels; a CPU build of libtorch has none.
  snprintf(path, sizeof path, "%s/lib/libtorch_cuda.so", libtorch);
  if (access(path, F_OK) == 0 &&
      !open_library(path, RTLD_LAZY | RTLD_GLOBAL, error, capacity))
    return NULL;

  // Now: a symbol that this libtorch lacks is found here, not in the middle of a run.
  void *handle = open_library(bridge, RTLD_NOW | RTLD_LOCAL, error, capacity);
  if (!handle) return NULL;
  const ct_api *(*table)(void) = (const ct_api *(*)(void))dlsym(handle, "tessera_torch_api");
  const ct_api *api = table ? table() : NULL;
  if (!api || api->struct_size != (int64_t)sizeof(ct_api)) {
    snprintf(error, capacity, "%s belongs to another build of Tessera", bridge);
    return NULL;
  }
  return api;
}

const char *ct_own_path(void) {
  static char program[4096];
  Dl_info info;
  struct link_map *map = NULL;
  if (!dladdr1((const void *)ct_own_path, &info, (void **)&map, RTLD_DL_LINKMAP)) return NULL;
  if (map && map->l_name[0]) return info.dli_fname;
  // In the program itself the name would be argv[0], which need not be a path.
  ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  return length > 0 ? program : NULL;
}

void ct_keep_memory(void) {
  // glibc maps blocks above 128 kB anew and unmaps them when freed: every operator would then touch
  // fresh pages, at a tenth of the speed of resident memory.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, -1);
  mallopt(M_TOP_PAD, 64 << 20);
}
