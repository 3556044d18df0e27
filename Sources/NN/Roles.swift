import Torch

/// What the walk looks for behind a property.
protocol TensorSlot {
    var tensor: Tensor? { get }
    var role: Role { get }
}

/// A trained tensor: saved, updated by the optimiser, recorded for differentiation.
///
/// The value may be optional; nil is no tensor.
@propertyWrapper
public struct Parameter<Value>: TensorSlot {
    public var wrappedValue: Value

    public init(wrappedValue: Value) {
        self.wrappedValue = wrappedValue
        tensor?.requiringGrad()
    }

    var tensor: Tensor? { wrappedValue as? Tensor }
    var role: Role { .parameter }
}

/// A tensor that is saved but not trained, such as running statistics.
@propertyWrapper
public struct Buffer<Value>: TensorSlot {
    public var wrappedValue: Value

    public init(wrappedValue: Value) {
        self.wrappedValue = wrappedValue
    }

    var tensor: Tensor? { wrappedValue as? Tensor }
    var role: Role { .buffer }
}

/// A tensor that moves with its module and is neither trained nor saved.
@propertyWrapper
public struct Constant<Value>: TensorSlot {
    public var wrappedValue: Value

    public init(wrappedValue: Value) {
        self.wrappedValue = wrappedValue
    }

    var tensor: Tensor? { wrappedValue as? Tensor }
    var role: Role { .constant }
}
