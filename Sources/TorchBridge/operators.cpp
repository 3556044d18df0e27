// Any ATen operator by one boxed call: find it once, push the arguments, call, pop the results.
#include "support.h"

#include <ATen/core/Generator.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>

namespace bridge {
namespace {

c10::IValue box(const ct_arg &arg, const c10::Argument &formal) {
  const auto *handles = static_cast<const ct_tensor *>(arg.u.p);
  switch (arg.tag) {
    case CT_NONE: return {};
    case CT_TENSOR: return borrow(reinterpret_cast<ct_tensor>(const_cast<void *>(arg.u.p)));
    case CT_INT: return arg.u.i;
    case CT_DOUBLE: return arg.u.d;
    case CT_BOOL: return arg.u.i != 0;
    case CT_INTS: {
      const auto *p = static_cast<const int64_t *>(arg.u.p);
      return c10::List<int64_t>(at::ArrayRef<int64_t>(p, arg.n));
    }
    case CT_DOUBLES: {
      const auto *p = static_cast<const double *>(arg.u.p);
      return c10::List<double>(at::ArrayRef<double>(p, arg.n));
    }
    case CT_TENSORS: {
      c10::List<at::Tensor> list;
      list.reserve(arg.n);
      for (int64_t i = 0; i < arg.n; ++i) list.push_back(borrow(handles[i]));
      return list;
    }
    case CT_OPTIONAL_TENSORS: {
      c10::List<std::optional<at::Tensor>> list;
      list.reserve(arg.n);
      for (int64_t i = 0; i < arg.n; ++i)
        list.push_back(handles[i] ? std::optional(borrow(handles[i])) : std::nullopt);
      return list;
    }
    case CT_STRING: return std::string(arg.u.s);
    case CT_DTYPE: return static_cast<int64_t>(arg.u.i);
    case CT_DEVICE: return device(arg.u.i);
    case CT_GENERATOR: return *static_cast<const at::Generator *>(arg.u.p);
    default: TORCH_CHECK(false, "argument '", formal.name(), "' has the unknown tag ", arg.tag);
  }
}

int op_find(const char *name, const char *overload, ct_op *out) {
  return guarded([&] {
    // The dispatcher keeps its operators at fixed addresses for the life of the process.
    auto handle = c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
    *out = reinterpret_cast<ct_op>(new c10::OperatorHandle(handle));
  });
}

const c10::OperatorHandle &handle(ct_op op) {
  return *reinterpret_cast<const c10::OperatorHandle *>(op);
}

const char *op_schema(ct_op op) {
  thread_local std::string text;
  text = c10::toString(handle(op).schema());
  return text.c_str();
}

int op_call(ct_op op, const ct_arg *args, int64_t n, ct_value *out, int64_t capacity,
            int64_t *count) {
  return guarded([&] {
    const auto &formal = handle(op).schema().arguments();
    TORCH_CHECK(n <= static_cast<int64_t>(formal.size()), "takes ", formal.size(),
                " arguments, was given ", n);
    torch::jit::Stack stack;
    stack.reserve(formal.size());
    for (int64_t i = 0; i < n; ++i) stack.push_back(box(args[i], formal[i]));
    for (size_t i = n; i < formal.size(); ++i) {
      TORCH_CHECK(formal[i].default_value().has_value(), "missing argument '", formal[i].name(), "'");
      stack.push_back(*formal[i].default_value());
    }
    handle(op).callBoxed(stack);

    *count = 0;
    auto next = [&]() -> ct_value & {
      TORCH_CHECK(*count < capacity, "has more than ", capacity, " results");
      return out[(*count)++];
    };
    auto add = [&](at::Tensor tensor) {
      auto &value = next();
      value.tag = CT_TENSOR;
      value.u.t = give(std::move(tensor));
    };
    for (auto &value : stack) {
      if (value.isTensor()) {
        add(std::move(value).toTensor());
      } else if (value.isTensorList()) {
        for (at::Tensor tensor : value.toTensorList()) add(std::move(tensor));
      } else if (value.isInt()) {
        auto &slot = next();
        slot.tag = CT_INT;
        slot.u.i = value.toInt();
      } else if (value.isDouble()) {
        auto &slot = next();
        slot.tag = CT_DOUBLE;
        slot.u.d = value.toDouble();
      } else if (value.isBool()) {
        auto &slot = next();
        slot.tag = CT_BOOL;
        slot.u.i = value.toBool();
      } else if (!value.isNone()) {
        TORCH_CHECK(false, "returns a ", value.tagKind(), ", which has no form in C");
      }
    }
  });
}

}  // namespace

void fill_operators(ct_api &api) {
  api.op_find = op_find;
  api.op_schema = op_schema;
  api.op_call = op_call;
}

}  // namespace bridge
