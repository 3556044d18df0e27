// Handles and errors, for the files of this target, which include it first.
#pragma once
#if !__has_include(<ATen/core/Tensor.h>)
#error "libtorch's headers are missing: run scripts/setup in this checkout of Tessera; it makes the link .torch"
#endif
#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <string>

#include "bridge.h"

namespace bridge {

using Impl = c10::TensorImpl;
using Pointer = c10::intrusive_ptr<Impl, c10::UndefinedTensorImpl>;

extern thread_local std::string last_error;

// A handle is the tensor's own reference-counted block: no box around it, so no allocation.
inline at::Tensor borrow(ct_tensor handle) {
  if (!handle) return {};
  return at::Tensor(Pointer::unsafe_reclaim_from_nonowning(reinterpret_cast<Impl *>(handle)));
}
inline Impl &impl(ct_tensor handle) { return *reinterpret_cast<Impl *>(handle); }
inline ct_tensor give(at::Tensor tensor) {
  if (!tensor.defined()) return nullptr;
  return reinterpret_cast<ct_tensor>(tensor.unsafeReleaseTensorImpl());
}

inline c10::Device device(int64_t code) {
  return {static_cast<c10::DeviceType>(code >> 8), static_cast<c10::DeviceIndex>((code & 0xff) - 1)};
}
inline int64_t code(c10::Device device) {
  return static_cast<int64_t>(device.type()) << 8 | (device.index() + 1);
}

// Runs `body`; an exception becomes 1 and a message.
template <typename Body>
int guarded(Body &&body) noexcept {
  try {
    body();
    return 0;
  } catch (const c10::Error &e) {
    last_error = e.what_without_backtrace();
  } catch (const std::exception &e) {
    last_error = e.what();
  } catch (...) {
    last_error = "unknown C++ exception";
  }
  return 1;
}

void fill_operators(ct_api &api);
void fill_tensors(ct_api &api);
void fill_autograd(ct_api &api);
void fill_process(ct_api &api);

}  // namespace bridge
