// Settings of the process and the thread, random number generators, CUDA; and the table itself.
#include "support.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/autocast_mode.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <torch/version.h>

namespace bridge {

thread_local std::string last_error;

namespace {

c10::DeviceType kind(int32_t device) { return device == 0 ? at::kCPU : at::kCUDA; }

at::Generator &generator(ct_generator g) { return *reinterpret_cast<at::Generator *>(g); }
ct_generator give_generator(at::Generator g) {
  return reinterpret_cast<ct_generator>(new at::Generator(std::move(g)));
}

int generator_make(int64_t device_code, uint64_t seed, ct_generator *out) {
  return guarded([&] {
    auto where = device(device_code);
    at::Generator made = where.is_cuda()
                             ? at::detail::getCUDAHooks().getNewGenerator(where.index())
                             : at::detail::createCPUGenerator(seed);
    made.set_current_seed(seed);
    *out = give_generator(std::move(made));
  });
}

const char *build_configuration() {
  static const std::string text = at::show_config();
  return text.c_str();
}

int cuda_memory(int32_t device, int64_t *allocated, int64_t *peak) {
  return guarded([&] {
    auto *allocator = dynamic_cast<c10::DeviceAllocator *>(c10::GetAllocator(at::kCUDA));
    TORCH_CHECK(allocator, "no CUDA allocator");
    auto stats = allocator->getDeviceStats(static_cast<c10::DeviceIndex>(device));
    const auto &bytes = stats.allocated_bytes[0];
    *allocated = bytes.current;
    *peak = bytes.peak;
  });
}

}  // namespace

void fill_process(ct_api &api) {
  api.last_error = [] { return last_error.c_str(); };
  api.torch_version = []() -> const char * { return TORCH_VERSION; };
  api.build_configuration = build_configuration;

  api.set_autocast = [](int32_t device, bool enabled, int32_t dtype) {
    return guarded([&] {
      at::autocast::set_autocast_enabled(kind(device), enabled);
      at::autocast::set_autocast_dtype(kind(device), static_cast<c10::ScalarType>(dtype));
    });
  };
  api.autocast = [](int32_t device, bool *enabled, int32_t *dtype) {
    return guarded([&] {
      *enabled = at::autocast::is_autocast_enabled(kind(device));
      *dtype = static_cast<int32_t>(at::autocast::get_autocast_dtype(kind(device)));
    });
  };
  api.clear_autocast_cache = [] { at::autocast::clear_cache(); };
  api.set_autocast_cache = [](bool enabled) {
    bool before = at::autocast::is_autocast_cache_enabled();
    at::autocast::set_autocast_cache_enabled(enabled);
    return before;
  };

  api.generator_make = generator_make;
  api.generator_default = [](int64_t code, ct_generator *out) {
    return guarded([&] { *out = give_generator(at::globalContext().defaultGenerator(device(code))); });
  };
  api.generator_release = [](ct_generator g) { delete &generator(g); };
  api.generator_set_seed = [](ct_generator g, uint64_t seed) {
    return guarded([&] { generator(g).set_current_seed(seed); });
  };
  api.generator_state = [](ct_generator g, ct_tensor *out) {
    return guarded([&] { *out = give(generator(g).get_state()); });
  };
  api.generator_set_state = [](ct_generator g, ct_tensor state) {
    return guarded([&] { generator(g).set_state(borrow(state)); });
  };

  api.thread_count = [] { return at::get_num_threads(); };
  api.set_thread_count = [](int32_t n) {
    return guarded([&] {
      // A thread takes over the number that any other set last when it first asks, which is done with here.
      at::get_num_threads();
      at::set_num_threads(n);
    });
  };
  api.set_flush_denormal = [](bool on) { return at::globalContext().setFlushDenormal(on); };
  api.set_deterministic = [](bool on) {
    return guarded([&] {
      // Strictly: where libtorch only warns, cuDNN's attention keeps its sums in any order.
      at::globalContext().setDeterministicAlgorithms(on, /*warn_only=*/false);
      // Filling every new tensor would find who reads what nobody wrote, at the cost of a pass over it.
      at::globalContext().setDeterministicFillUninitializedMemory(false);
    });
  };
  api.set_tf32 = [](bool on) {
    return guarded([&] {
      at::globalContext().setAllowTF32CuBLAS(on);
      at::globalContext().setAllowTF32CuDNN(on);
    });
  };

  api.cuda_device_count = [] {
    int32_t count = 0;
    guarded([&] {
      if (at::globalContext().hasCUDA()) count = at::detail::getCUDAHooks().deviceCount();
    });
    return count;
  };
  api.cuda_synchronize = [](int32_t device) {
    return guarded([&] {
      at::detail::getCUDAHooks().deviceSynchronize(static_cast<c10::DeviceIndex>(device));
    });
  };
  api.cuda_memory = cuda_memory;
}

}  // namespace bridge

const ct_api *tessera_torch_api(void) {
  static const ct_api table = [] {
    ct_api api{};
    api.struct_size = sizeof(ct_api);
    bridge::fill_process(api);
    bridge::fill_operators(api);
    bridge::fill_tensors(api);
    bridge::fill_autograd(api);
    return api;
  }();
  return &table;
}
