// The facts and the life of a tensor.
#include "support.h"

#include <ATen/ops/from_blob.h>

namespace bridge {

void fill_tensors(ct_api &api) {
  api.tensor_retain = [](ct_tensor t) { c10::raw::intrusive_ptr::incref(&impl(t)); };
  api.tensor_release = [](ct_tensor t) { c10::raw::intrusive_ptr::decref(&impl(t)); };
  api.tensor_rank = [](ct_tensor t) { return impl(t).dim(); };
  api.tensor_sizes = [](ct_tensor t, int64_t *out) {
    auto sizes = impl(t).sizes();
    std::copy(sizes.begin(), sizes.end(), out);
  };
  api.tensor_strides = [](ct_tensor t, int64_t *out) {
    auto strides = impl(t).strides();
    std::copy(strides.begin(), strides.end(), out);
  };
  api.tensor_count = [](ct_tensor t) { return impl(t).numel(); };
  api.tensor_dtype = [](ct_tensor t) {
    return static_cast<int32_t>(c10::typeMetaToScalarType(impl(t).dtype()));
  };
  api.tensor_device = [](ct_tensor t) { return code(impl(t).device()); };
  api.tensor_is_contiguous = [](ct_tensor t) { return impl(t).is_contiguous(); };
  api.tensor_data = [](ct_tensor t) -> void * {
    void *data = nullptr;
    guarded([&] { data = borrow(t).mutable_data_ptr(); });
    return data;
  };
  api.tensor_from_memory = [](void *data, const int64_t *sizes, int64_t rank, int32_t dtype,
                              void (*release)(void *), void *context, ct_tensor *out) {
    return guarded([&] {
      auto options = at::TensorOptions().dtype(static_cast<c10::ScalarType>(dtype));
      *out = give(at::from_blob(
          data, at::IntArrayRef(sizes, rank),
          [release, context](void *) {
            if (release) release(context);
          },
          options));
    });
  };
}

}  // namespace bridge
