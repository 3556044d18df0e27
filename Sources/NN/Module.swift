public import Torch

/// A part of a model: tensors with a stated role, and other modules inside.
///
/// Child modules are plain stored properties, arrays of modules or arrays of `any Layer`; tensors
/// are `@Parameter` (trained, saved), `@Buffer` (saved, not trained) or `@Constant` (neither). The
/// names in checkpoints are derived from the properties, camelCase to snake_case; what a published
/// checkpoint calls otherwise stands in `stateNames`.
///
/// The walk is strict: a tensor without a role, or two tensors of one name, stop it with a message.
/// Subclasses are final; a module has no setters, loading copies into its tensors.
open class Module {
    /// Whether layers that differ between training and evaluation behave as in training.
    public private(set) var isTraining = true

    /// Whether blocks forget what they compute between input and output, and compute it again in the
    /// backward pass.
    public private(set) var checkpointsActivations = false

    public init() {}

    /// Checkpoint names of the properties whose name is not their own in snake_case.
    ///
    /// An empty name adds no level: the child's tensors stand directly under the parent's name. In
    /// the name of an array `*` stands for the number of an element, counted from 1: `layer*` for
    /// `layer1`, `layer2`; without it elements are `layers.0`, `layers.1`.
    open class var stateNames: [String: String] { [:] }
}

/// What a tensor of a module is for.
public enum Role: Sendable {
    /// Trained and saved.
    case parameter
    /// Saved, not trained.
    case buffer
    /// Moves with the module, neither trained nor saved.
    case constant
}

/// A named tensor of a module.
public struct StateEntry {
    /// The name in checkpoints, such as `blocks.0.attn.qkv.weight`.
    public let name: String
    public let tensor: Tensor
    public let role: Role
}

// MARK: - The walk

extension Module {
    /// Every tensor of the module: own parameters, own buffers and constants, then the children's,
    /// each in the order of declaration, which is PyTorch's order.
    ///
    /// Costs a millisecond for a large model; keep the array instead of walking again every step.
    public func state() -> [StateEntry] {
        var entries: [StateEntry] = []
        collect(into: &entries, under: "")
        var seen: Set<String> = []
        for entry in entries where !seen.insert(entry.name).inserted {
            fatalError("\(Self.self): two tensors are called \(entry.name)")
        }
        return entries
    }

    private func collect(into entries: inout [StateEntry], under prefix: String) {
        func name(_ key: String) -> String {
            key.isEmpty ? prefix : prefix.isEmpty ? key : prefix + "." + key
        }
        var own: [StateEntry] = []
        var children: [(String, Module)] = []
        forEachMember { key, member in
            switch member {
            case .tensor(let tensor, let role):
                own.append(StateEntry(name: name(key), tensor: tensor, role: role))
            case .module(let child):
                children.append((name(key), child))
            }
        }
        entries += own.filter { $0.role == .parameter } + own.filter { $0.role != .parameter }
        for (path, child) in children { child.collect(into: &entries, under: path) }
    }

    /// The modules directly inside, in the order of declaration.
    public var children: [Module] {
        var found: [Module] = []
        forEachMember { _, member in
            if case .module(let child) = member { found.append(child) }
        }
        return found
    }

    private enum Member {
        case tensor(Tensor, Role)
        case module(Module)
    }

    private func forEachMember(_ body: (String, Member) -> Void) {
        var mirrors: [Mirror] = []
        var mirror: Mirror? = Mirror(reflecting: self)
        while let current = mirror, current.subjectType != Module.self {
            mirrors.append(current)
            mirror = current.superclassMirror
        }
        let names = Self.stateNames
        for field in mirrors.reversed().flatMap(\.children) {
            guard let label = field.label else { continue }
            let property = label.hasPrefix("_") ? String(label.dropFirst()) : label
            let key = names[property] ?? snakeCase(property)
            switch unwrapped(field.value) {
            case let slot as any TensorSlot:
                if let tensor = slot.tensor { body(key, .tensor(tensor, slot.role)) }
            case let child as Module:
                body(key, .module(child))
            case let children as [Module]:
                for (index, child) in children.enumerated() {
                    body(elementName(key, index), .module(child))
                }
            case let layers as [any Layer]:
                // Layers without tensors keep their number: mlp.0, mlp.2.
                for (index, layer) in layers.enumerated() {
                    guard let child = layer as? Module else { continue }
                    body(elementName(key, index), .module(child))
                }
            case is Tensor, is [Tensor]:
                fatalError(
                    "\(Self.self).\(property): mark tensors @Parameter, @Buffer or @Constant")
            case let modules as [String: Module] where !modules.isEmpty:
                fatalError("\(Self.self).\(property): keep modules in properties or arrays")
            default: break
            }
        }
    }

    /// The value inside an optional, or the value itself.
    private func unwrapped(_ value: Any) -> Any {
        let mirror = Mirror(reflecting: value)
        guard mirror.displayStyle == .optional, let inner = mirror.children.first else {
            return value
        }
        return inner.value
    }
}

/// The name of an element of an array of modules.
private func elementName(_ key: String, _ index: Int) -> String {
    guard !key.contains("*") else { return key.replacing("*", with: "\(index + 1)") }
    return key.isEmpty ? "\(index)" : "\(key).\(index)"
}

/// `maskToken` as `mask_token`.
private func snakeCase(_ name: String) -> String {
    name.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
}

// MARK: - Uses of the walk

extension Module {
    /// The trained tensors with their names, in checkpoint order.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        state().filter { $0.role == .parameter }.map { ($0.name, $0.tensor) }
    }

    /// The trained tensors in checkpoint order.
    public var parameters: [Tensor] { namedParameters.map(\.tensor) }

    /// The number of trained values.
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

    /// Makes the module and all inside behave as in training, or as in evaluation.
    public func train(_ isTraining: Bool = true) {
        self.isTraining = isTraining
        for child in children { child.train(isTraining) }
    }

    /// Makes the module and all inside behave as in evaluation.
    public func evaluate() { train(false) }

    /// Makes all blocks inside keep their inputs alone for the backward pass, which computes the rest again.
    public func checkpointActivations(_ isOn: Bool = true) {
        checkpointsActivations = isOn
        for child in children { child.checkpointActivations(isOn) }
    }

    /// Stops or resumes recording the parameters for differentiation.
    public func freeze(_ frozen: Bool = true) {
        for parameter in parameters { parameter.requiringGrad(!frozen) }
    }
}

extension Module {
    /// Moves every tensor to a device, in place: optimisers and other holders keep theirs.
    ///
    /// Only before training starts, as gradients do not move with them.
    public func move(to device: Device) {
        for entry in state() where entry.tensor.device != device {
            entry.tensor.replaceMemoryInPlace(with: entry.tensor.detached().to(device))
        }
    }
}
