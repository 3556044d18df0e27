// Differentiation, and the two autograd functions of our own: linear layers by oneDNN and
// activation checkpointing.
#include "support.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mm.h>

#include <array>

namespace bridge {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

variable_list borrow_all(const ct_tensor *handles, int64_t n) {
  variable_list list;
  list.reserve(n);
  for (int64_t i = 0; i < n; ++i) list.push_back(handles ? borrow(handles[i]) : at::Tensor());
  return list;
}

// -- y = x W^T + b ----------------------------------------------------------------------------------

// The transposed matrix row by row in memory of its own. Copied as three dimensions, because libtorch
// copies a transposed matrix as such on one thread, for which the others of a step would wait.
at::Tensor turned(const at::Tensor &x) {
  auto copy = at::empty({1, x.size(1), x.size(0)}, x.options());
  return copy.copy_(x.t().unsqueeze(0)).squeeze(0);
}

// x W^T + b without a derivative, by one of the libraries.
struct Product {
  bool onednn, widen;

  at::Tensor operator()(const at::Tensor &x, const at::Tensor &weight,
                        const std::optional<at::Tensor> &bias) const {
    if (widens(x)) {
      // What the instructions for bf16 do: exact products, sums in fp32, one rounding.
      auto wide_bias = bias ? std::optional(bias->to(at::kFloat)) : std::nullopt;
      return Product{onednn, false}(x.to(at::kFloat), weight.to(at::kFloat), wide_bias)
          .to(at::kBFloat16);
    }
    c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::DispatchKey::AutocastCPU);
    return onednn ? by_onednn(x, weight, bias) : at::linear(x, weight, bias);
  }

  // a b of factors that lie row by row. libtorch's own product of bf16 is oneDNN's already.
  at::Tensor plain(const at::Tensor &a, const at::Tensor &b) const {
    if (widens(a))
      return Product{onednn, false}.plain(a.to(at::kFloat), b.to(at::kFloat)).to(at::kBFloat16);
    c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::DispatchKey::AutocastCPU);
    if (!onednn || a.scalar_type() != at::kFloat) return at::matmul(a, b);
    return by_onednn(a, b.t(), std::nullopt);
  }

  // a^T b of matrices that lie row by row.
  at::Tensor transposed(const at::Tensor &a, const at::Tensor &b) const {
    if (widens(a))
      return Product{onednn, false}.transposed(a.to(at::kFloat), b.to(at::kFloat)).to(at::kBFloat16);
    c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::DispatchKey::AutocastCPU);
    if (!onednn || a.scalar_type() != at::kFloat) return at::mm(a.t(), b);
    // oneDNN's operator for fp32 wants the first factor row by row: the narrower one is turned.
    if (a.size(1) <= b.size(1)) return by_onednn(turned(a), b.t(), std::nullopt);
    return turned(by_onednn(turned(b), a.t(), std::nullopt));
  }

 private:
  bool widens(const at::Tensor &x) const { return widen && x.scalar_type() == at::kBFloat16; }

  // Reached by name: its header is not installed with every libtorch.
  static at::Tensor by_onednn(const at::Tensor &x, const at::Tensor &weight,
                              const std::optional<at::Tensor> &bias) {
    using Signature =
        at::Tensor(const at::Tensor &, const at::Tensor &, const std::optional<at::Tensor> &,
                   std::string_view, c10::List<std::optional<at::Scalar>>,
                   std::optional<std::string_view>);
    static const auto op = c10::Dispatcher::singleton()
                               .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
                               .typed<Signature>();
    return op.call(x, weight, bias, "none", c10::List<std::optional<at::Scalar>>(), "");
  }
};

// oneDNN's operator has no derivative formula of its own, so the backward pass is spelled out:
// dx = dy W, dW = dy^T x, db = sum(dy).
struct Linear : torch::autograd::Function<Linear> {
  static at::Tensor forward(AutogradContext *context, const at::Tensor &x, const at::Tensor &weight,
                            const std::optional<at::Tensor> &bias, bool onednn, bool widen) {
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({x, weight});
    context->saved_data["bias"] = bias.has_value();
    context->saved_data["onednn"] = onednn;
    context->saved_data["widen"] = widen;
    return Product{onednn, widen}(x, weight, bias);
  }

  static variable_list backward(AutogradContext *context, variable_list gradients) {
    at::AutoDispatchBelowADInplaceOrView below;
    auto saved = context->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1];
    const Product product{context->saved_data["onednn"].toBool(),
                          context->saved_data["widen"].toBool()};
    auto dy = gradients[0].contiguous();
    const int64_t columns = weight.size(0), rows = dy.numel() / std::max<int64_t>(columns, 1);
    auto flat = dy.view({rows, columns});
    at::Tensor dx, dw, db;
    if (context->needs_input_grad(0)) dx = product.plain(dy, weight);
    if (context->needs_input_grad(1))
      dw = product.transposed(flat, x.reshape({rows, weight.size(1)}).contiguous());
    if (context->saved_data["bias"].toBool() && context->needs_input_grad(2)) db = flat.sum(0);
    return {dx, dw, db, at::Tensor(), at::Tensor()};
  }
};

// The dispatcher's autocast never sees `Linear`, so it casts here as it would for aten::linear.
at::Tensor cast(const at::Tensor &tensor) {
  if (!tensor.defined() || !at::autocast::is_autocast_enabled(at::kCPU)) return tensor;
  return at::autocast::cached_cast(at::autocast::get_autocast_dtype(at::kCPU), tensor, at::kCPU);
}

int linear(ct_tensor x, ct_tensor weight, ct_tensor bias, bool onednn, bool widen, ct_tensor *out) {
  return guarded([&] {
    auto input = cast(borrow(x)), w = cast(borrow(weight)), b = cast(borrow(bias));
    *out = give(Linear::apply(input, w, b.defined() ? std::optional(b) : std::nullopt, onednn, widen));
  });
}

// -- Activation checkpointing -----------------------------------------------------------------------

// The stage, a Swift closure, is released with the last node that may run it again.
struct Stage : torch::CustomClassHolder {
  ct_stage run;
  void *context;
  void (*release)(void *);
  Stage(ct_stage run, void *context, void (*release)(void *))
      : run(run), context(context), release(release) {}
  ~Stage() override { release(context); }

  at::Tensor operator()(const variable_list &inputs) const {
    std::vector<ct_tensor> handles;
    for (const auto &input : inputs)
      handles.push_back(reinterpret_cast<ct_tensor>(input.unsafeGetTensorImpl()));
    auto result = run(context, handles.data(), static_cast<int64_t>(handles.size()));
    return at::Tensor(Pointer::reclaim(reinterpret_cast<Impl *>(result)));
  }
};

// The autocast settings of a thread; the destructor puts back what the constructor found.
struct AutocastState {
  struct Kind {
    c10::DeviceType device;
    bool enabled;
    at::ScalarType dtype;
  };
  std::array<Kind, 2> kinds;
  // Whether casts of weights are kept, which all threads would share.
  bool keeps_casts;

  static AutocastState current() {
    auto read = [](c10::DeviceType device) {
      return Kind{device, at::autocast::is_autocast_enabled(device),
                  at::autocast::get_autocast_dtype(device)};
    };
    return {{read(at::kCPU), read(at::kCUDA)}, at::autocast::is_autocast_cache_enabled()};
  }

  void apply() const {
    for (const auto &kind : kinds) {
      at::autocast::set_autocast_enabled(kind.device, kind.enabled);
      at::autocast::set_autocast_dtype(kind.device, kind.dtype);
    }
    at::autocast::set_autocast_cache_enabled(keeps_casts);
  }

  bool any() const { return kinds[0].enabled || kinds[1].enabled; }
};

// The parameters that a stage uses are arguments beside its inputs, so that their gradients come out of
// the backward pass like all others, wherever that sends them.
struct CheckpointFunction : torch::autograd::Function<CheckpointFunction> {
  static at::Tensor forward(AutogradContext *context, const c10::intrusive_ptr<Stage> &stage,
                            const AutocastState &autocast, at::TensorList inputs,
                            at::TensorList parameters) {
    auto saved = inputs.vec();
    saved.insert(saved.end(), parameters.begin(), parameters.end());
    context->save_for_backward(std::move(saved));
    context->saved_data["stage"] = c10::IValue::make_capsule(stage);
    context->saved_data["autocast"] = c10::IValue::make_capsule(
        c10::make_intrusive<Kept>(autocast));
    context->saved_data["inputs"] = static_cast<int64_t>(inputs.size());
    // Recorded like the second run, and forgotten at once: operators are chosen by whether they are
    // recorded, and both runs have to give the same numbers.
    at::AutoGradMode on(true);
    return (*stage)(cut_off(inputs)).detach();
  }

  static variable_list backward(AutogradContext *context, variable_list gradients) {
    auto stage = c10::static_intrusive_pointer_cast<Stage>(
        context->saved_data["stage"].toCapsule());
    auto kept = c10::static_intrusive_pointer_cast<Kept>(
        context->saved_data["autocast"].toCapsule());
    auto saved = context->get_saved_variables();
    const auto count = static_cast<size_t>(context->saved_data["inputs"].toInt());
    // What is differentiated by: the inputs, cut off from what made them, then the parameters.
    auto sources = cut_off(at::TensorList(saved).slice(0, count));
    const auto inputs = sources;
    sources.insert(sources.end(), saved.begin() + count, saved.end());
    variable_list wanted;
    for (const auto &source : sources)
      if (source.requires_grad()) wanted.push_back(source);
    variable_list found;
    {
      Rerun as_in_the_forward_pass(kept->autocast);
      at::AutoGradMode on(true);
      auto output = (*stage)(inputs);
      found = torch::autograd::grad({output}, wanted, gradients, /*retain_graph=*/false,
                                    /*create_graph=*/false, /*allow_unused=*/true);
    }
    variable_list result{at::Tensor(), at::Tensor()};
    auto next = found.begin();
    for (const auto &source : sources)
      result.push_back(source.requires_grad() ? std::move(*next++) : at::Tensor());
    return result;
  }

 private:
  struct Kept : torch::CustomClassHolder {
    AutocastState autocast;
    explicit Kept(const AutocastState &autocast) : autocast(autocast) {}
  };

  static variable_list cut_off(at::TensorList tensors) {
    variable_list result;
    for (const auto &tensor : tensors)
      result.push_back(tensor.detach().requires_grad_(tensor.requires_grad()));
    return result;
  }

  // Puts the thread's settings back even where the stage fails.
  struct Rerun {
    AutocastState before = AutocastState::current();
    explicit Rerun(const AutocastState &autocast) { autocast.apply(); }
    ~Rerun() {
      before.apply();
      // The second run cached casts of weights, which the optimiser is about to change.
      if (!before.any()) at::autocast::clear_cache();
    }
  };
};

int checkpoint(ct_stage run, void *context, void (*release)(void *), const ct_tensor *inputs,
               int64_t n_inputs, const ct_tensor *parameters, int64_t n_parameters,
               ct_tensor *out) {
  auto stage = c10::make_intrusive<Stage>(run, context, release);
  return guarded([&] {
    auto given = borrow_all(inputs, n_inputs), trained = borrow_all(parameters, n_parameters);
    *out = give(CheckpointFunction::apply(stage, AutocastState::current(), at::TensorList(given),
                                          at::TensorList(trained)));
  });
}

// -- Gradients --------------------------------------------------------------------------------------

int grad(const ct_tensor *outputs, const ct_tensor *output_gradients, int64_t n_outputs,
         const ct_tensor *inputs, int64_t n_inputs, bool retain, bool create_graph,
         ct_tensor *out) {
  return guarded([&] {
    auto result = torch::autograd::grad(
        borrow_all(outputs, n_outputs), borrow_all(inputs, n_inputs),
        output_gradients ? borrow_all(output_gradients, n_outputs) : variable_list{}, retain,
        create_graph, /*allow_unused=*/true);
    for (int64_t i = 0; i < n_inputs; ++i) out[i] = give(std::move(result[i]));
  });
}

}  // namespace

void fill_autograd(ct_api &api) {
  api.requires_grad = [](ct_tensor t) { return impl(t).requires_grad(); };
  api.set_requires_grad = [](ct_tensor t, bool value) {
    return guarded([&] { borrow(t).set_requires_grad(value); });
  };
  api.gradient = [](ct_tensor t) { return give(borrow(t).grad()); };
  api.set_gradient = [](ct_tensor t, ct_tensor gradient) {
    return guarded([&] { borrow(t).mutable_grad() = borrow(gradient); });
  };
  api.backward = [](const ct_tensor *roots, const ct_tensor *gradients, int64_t n, bool retain) {
    return guarded([&] {
      torch::autograd::backward(borrow_all(roots, n),
                                gradients ? borrow_all(gradients, n) : variable_list{}, retain);
    });
  };
  api.grad = grad;
  api.grad_mode = [] { return at::GradMode::is_enabled(); };
  api.set_grad_mode = [](bool enabled) { at::GradMode::set_enabled(enabled); };
  api.checkpoint = checkpoint;
  api.linear = linear;
}

}  // namespace bridge
