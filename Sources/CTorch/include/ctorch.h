// The C interface between Swift and libtorch.
//
// Nothing of Tessera links against libtorch: mapping its 450 MB takes a third of a second, which a
// `--help` should not pay, and the same program must run beside a CPU or a CUDA build of libtorch.
// `ct_load` opens libtorch at run time, then the library built from the target TorchBridge, whose
// one exported function returns the table of functions below.
//
// Ownership, for every function:
// * A `ct_tensor` returned or written to an `out` belongs to the caller, who gives it back by
//   `tensor_release`. Arguments are borrowed for the length of the call. NULL is "no tensor".
// * Functions returning int return 0, or 1 with the message in `last_error()`, which is valid until
//   the next call on the same thread.
// * No C++ exception leaves a function. Every function may be called from any thread; gradient mode
//   and autocast are settings of the calling thread.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_opaque_tensor *ct_tensor;
typedef struct ct_opaque_generator *ct_generator;
typedef const struct ct_opaque_op *ct_op;

// What an argument of an operator is; the names are those of the operators' schemas.
enum ct_tag {
  CT_NONE = 0,
  CT_TENSOR,            // u.p = ct_tensor
  CT_INT,               // u.i
  CT_DOUBLE,            // u.d
  CT_BOOL,              // u.i
  CT_INTS,              // u.p = const int64_t[n]
  CT_DOUBLES,           // u.p = const double[n]
  CT_TENSORS,           // u.p = const ct_tensor[n]
  CT_OPTIONAL_TENSORS,  // the same; NULL is none
  CT_STRING,            // u.s, NUL-terminated
  CT_DTYPE,             // u.i = c10::ScalarType
  CT_DEVICE,            // u.i = c10::DeviceType << 8 | (index + 1)
  CT_GENERATOR,         // u.p = ct_generator
};

typedef struct {
  int32_t tag;
  int64_t n;
  union {
    int64_t i;
    double d;
    const void *p;
    const char *s;
  } u;
} ct_arg;

// A result of an operator: CT_TENSOR, CT_INT, CT_DOUBLE or CT_BOOL. Lists of tensors are flattened.
typedef struct {
  int32_t tag;
  union {
    ct_tensor t;
    int64_t i;
    double d;
  } u;
} ct_value;

// One stage of a model, run again in the backward pass (activation checkpointing). Reads `n` inputs,
// returns one tensor that the caller owns, or NULL.
typedef ct_tensor (*ct_stage)(void *context, const ct_tensor *inputs, int64_t n);

typedef struct {
  int64_t struct_size;
  const char *(*last_error)(void);
  const char *(*torch_version)(void);
  const char *(*build_configuration)(void);

  // Operators. `name` is "aten::add", `overload` "Tensor" or "".
  int (*op_find)(const char *name, const char *overload, ct_op *out);
  const char *(*op_schema)(ct_op op);  // valid until the next call on the thread
  int (*op_call)(ct_op op, const ct_arg *args, int64_t n, ct_value *out, int64_t capacity, int64_t *count);

  // Tensors.
  void (*tensor_retain)(ct_tensor);
  void (*tensor_release)(ct_tensor);
  int64_t (*tensor_rank)(ct_tensor);
  void (*tensor_sizes)(ct_tensor, int64_t *out);
  void (*tensor_strides)(ct_tensor, int64_t *out);
  int64_t (*tensor_count)(ct_tensor);
  int32_t (*tensor_dtype)(ct_tensor);
  int64_t (*tensor_device)(ct_tensor);
  bool (*tensor_is_contiguous)(ct_tensor);
  void *(*tensor_data)(ct_tensor);
  // The tensor reads `data` in place and calls `release(context)` when its last user is gone.
  int (*tensor_from_memory)(void *data, const int64_t *sizes, int64_t rank, int32_t dtype,
                            void (*release)(void *), void *context, ct_tensor *out);

  // Autograd.
  bool (*requires_grad)(ct_tensor);
  int (*set_requires_grad)(ct_tensor, bool);
  ct_tensor (*gradient)(ct_tensor);
  int (*set_gradient)(ct_tensor, ct_tensor);
  int (*backward)(const ct_tensor *roots, const ct_tensor *gradients, int64_t n, bool retain);
  int (*grad)(const ct_tensor *outputs, const ct_tensor *output_gradients, int64_t n_outputs,
              const ct_tensor *inputs, int64_t n_inputs, bool retain, bool create_graph,
              ct_tensor *out);
  bool (*grad_mode)(void);
  void (*set_grad_mode)(bool);
  int (*checkpoint)(ct_stage, void *context, void (*release)(void *), const ct_tensor *inputs,
                    int64_t n_inputs, const ct_tensor *parameters, int64_t n_parameters,
                    ct_tensor *out);

  // y = x W^T + b on the CPU, forward and backward by oneDNN, or else by the BLAS. `widen` multiplies
  // matrices of bf16 in fp32 and rounds the product.
  int (*linear)(ct_tensor x, ct_tensor weight, ct_tensor bias, bool onednn, bool widen,
                ct_tensor *out);

  // Autocast of the calling thread; device 0 is the CPU, 1 CUDA.
  int (*set_autocast)(int32_t device, bool enabled, int32_t dtype);
  int (*autocast)(int32_t device, bool *enabled, int32_t *dtype);
  void (*clear_autocast_cache)(void);
  /// Of the calling thread; returns what was set before.
  bool (*set_autocast_cache)(bool enabled);

  // Random numbers.
  int (*generator_make)(int64_t device, uint64_t seed, ct_generator *out);
  int (*generator_default)(int64_t device, ct_generator *out);
  void (*generator_release)(ct_generator);
  int (*generator_set_seed)(ct_generator, uint64_t seed);
  int (*generator_state)(ct_generator, ct_tensor *out);
  int (*generator_set_state)(ct_generator, ct_tensor state);

  // The process.
  int (*thread_count)(void);
  int (*set_thread_count)(int32_t n);
  bool (*set_flush_denormal)(bool);
  int (*set_deterministic)(bool);
  int (*set_tf32)(bool);

  // CUDA; all of it answers "none" without a GPU or with a CPU build of libtorch.
  int32_t (*cuda_device_count)(void);
  int (*cuda_synchronize)(int32_t device);
  int (*cuda_memory)(int32_t device, int64_t *allocated, int64_t *peak);
} ct_api;

// Opens libtorch and the bridge. `libtorch` is a folder with lib/libtorch_cpu.so. Returns the table,
// or NULL with a message in `error`. Not thread-safe: Swift calls it once.
const ct_api *ct_load(const char *libtorch, const char *bridge, char *error, size_t capacity);

// Where the machine code of this library lies on disk, or NULL.
const char *ct_own_path(void);

// Keeps freed memory in the process instead of giving it back after each operator.
void ct_keep_memory(void);

#ifdef __cplusplus
}
#endif
