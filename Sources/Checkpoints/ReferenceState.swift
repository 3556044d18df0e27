public import TensorFiles

/// What a checkpoint of another program holds beside the weights, for a run that goes on from it:
/// optimisers, the scale of the loss, schedules, the epoch.
///
/// Plain values; nothing of the file is executed, and tensors stay in it.
public struct ReferenceState: Sendable {
    /// The optimisers in the order of the file, by their keys: `optimizer`, `opt`, `optimizers.3`.
    public let optimizers: [(key: String, optimizer: ReferenceOptimizer)]
    /// The scalers of the loss: `scaler`, `fp16_scaler`, `amp_scaler`, `grad_scaler`.
    public let scalers: [(key: String, scaler: ReferenceScaler)]
    /// Dictionaries of numbers whose keys end in `scheduler`, or `scheduler` and a number.
    public let schedules: [(key: String, values: [String: PlainValue])]
    /// `args`, with which the program was started: a namespace or a dictionary.
    public let arguments: [String: PlainValue]
    /// All other numbers, truth values and texts at the top: `epoch`, `loss`, `batch_size`.
    public let values: [String: PlainValue]

    /// Epochs as the file counts them; programs differ in whether the last is counted.
    public var epoch: Int? { values["epoch"]?.int }

    /// Reads what a checkpoint holds; a file without dictionaries, such as safetensors, has nothing.
    ///
    /// - Throws: `TensorFileError` where an optimiser contradicts itself.
    public init(_ source: CheckpointSource) throws(TensorFileError) {
        var optimizers: [(key: String, optimizer: ReferenceOptimizer)] = []
        var scalers: [(key: String, scaler: ReferenceScaler)] = []
        var schedules: [(key: String, values: [String: PlainValue])] = []
        var arguments: [String: PlainValue] = [:]
        var values: [String: PlainValue] = [:]
        for (path, file) in source.files {
            guard case .pyTorch(let pickle) = file else { continue }
            for (key, value) in Self.items(in: pickle.root) {
                let fields = value.isContainer ? value.children : []
                let names = Set(fields.map(\.name))
                if names.isSuperset(of: ["state", "param_groups"]) {
                    optimizers.append((key, try ReferenceOptimizer(value, at: key, of: path)))
                } else if let scaler = ReferenceScaler(value) {
                    scalers.append((key, scaler))
                } else if !fields.isEmpty, Self.isSchedule(key) {
                    schedules.append(
                        (key, Dictionary(fields.map { ($0.name, PlainValue($0.value)) }) { $1 }))
                } else if key == "args", !fields.isEmpty {
                    arguments = Dictionary(fields.map { ($0.name, PlainValue($0.value)) }) { $1 }
                } else if fields.isEmpty, value.elements == nil, value.tensor == nil {
                    values[key] = PlainValue(value)
                }
            }
        }
        self.optimizers = optimizers
        self.scalers = scalers
        self.schedules = schedules
        self.arguments = arguments
        self.values = values
    }

    /// Lists at the top hold several optimisers, the heads of a sweep each its own.
    private static let listLimit = 10_000

    /// The entries at the top, those of lists by their numbers, and those of `training_state`.
    private static func items(in root: PickleValue) -> [(key: String, value: PickleValue)] {
        guard root.isContainer else { return [] }
        return root.children.flatMap { key, value -> [(key: String, value: PickleValue)] in
            if let elements = value.elements, elements.count <= listLimit {
                return elements.enumerated().map { ("\(key).\($0.offset)", $0.element) }
            }
            if key == "training_state", value.isContainer {
                return value.children.map { ($0.name, $0.value) }
            }
            return [(key, value)]
        }
    }

    private static func isSchedule(_ key: String) -> Bool {
        let word = key.split(separator: ".").first ?? ""
        return word.hasSuffix("scheduler") || word.hasSuffix("schedulers")
    }
}

/// The state of PyTorch's gradient scaler, or of one that writes the same.
public struct ReferenceScaler: Sendable, Equatable {
    public let scale: Double
    public let growthFactor: Double
    public let backoffFactor: Double
    public let growthInterval: Int
    /// Good steps since the scale last changed.
    public let growthTracker: Int

    /// Nil for anything else.
    init?(_ value: PickleValue) {
        func number(_ key: String) -> Double? { value[key].map(PlainValue.init)?.number }
        guard value.isContainer, let scale = number("scale"),
            let growth = number("growth_factor"), let backoff = number("backoff_factor"),
            let interval = number("growth_interval").flatMap({ Int(exactly: $0) })
        else { return nil }
        self.scale = scale
        growthFactor = growth
        backoffFactor = backoff
        growthInterval = interval
        growthTracker = number("_growth_tracker").flatMap { Int(exactly: $0) } ?? 0
    }
}
