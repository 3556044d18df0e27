/// What of a checkpoint reached a model, and what of the model came from the checkpoint.
public struct CoverageReport: Sendable {
    /// The file, index or folder.
    public let file: String
    /// The family's name.
    public let family: String
    /// Where in the file the encoder is: the dictionary, then the prefix of the names.
    public let place: String
    /// The dictionary alone, such as `teacher`; empty for the top of the file.
    public let part: String
    /// What stands before every name, such as `module.backbone.`.
    public let prefix: String
    /// The tensors of the model that were loaded, in its order.
    public internal(set) var loaded: [Loaded] = []
    /// Those that were not, with the reason.
    public internal(set) var missing: [Missing] = []
    /// Tensors of the file that are no part of the encoder, by what they are.
    public internal(set) var unused: [Unused] = []
    /// Tensors among the encoder's that the model has no place for.
    public internal(set) var strays: [Stray] = []
    /// Tensors of the model that are computed, not stored, by the family.
    public internal(set) var computed: [String] = []
    /// What was assumed, for people.
    public internal(set) var notes: [String] = []
    /// Elements of all tensors of the model that a checkpoint of the family stores.
    public internal(set) var elementCount = 0

    /// A tensor that was loaded.
    public struct Loaded: Sendable, Equatable {
        /// The name in the model.
        public let name: String
        /// The names in the file, without the prefix.
        public let sources: [String]
        public let elementCount: Int
        /// The type in the file, and the model's where that is another.
        public let dtype: String
        public let converted: String?
        /// How several tensors or another form became this one.
        public let form: String?
        /// From what shape to what shape it was resized, and by which rule.
        public let resized: String?

        /// Whether the file calls it otherwise.
        public var isRenamed: Bool { sources != [name] }
    }

    /// A tensor of the model that keeps its initial values.
    public struct Missing: Sendable, Equatable {
        public let name: String
        public let shape: [Int]
        /// Why, where the file has something of the name.
        public let reason: String?
    }

    /// Tensors of one kind beside the encoder.
    public struct Unused: Sendable, Equatable {
        /// `MAE's decoder`.
        public let meaning: String
        public let names: [String]
    }

    /// A tensor that would be ignored though it may belong to the encoder.
    public struct Stray: Sendable, Equatable {
        public let name: String
        public let shape: [Int]
        /// The model's name that is most like it, where one is close and has nothing yet.
        public let nearest: String?
    }

    /// Elements of the tensors that were loaded.
    public var loadedCount: Int { loaded.reduce(0) { $0 + $1.elementCount } }

    /// How much of the encoder was loaded, from 0 to 1, by numbers.
    public var coverage: Double {
        elementCount == 0 ? 0 : Double(loadedCount) / Double(elementCount)
    }

    /// Whether all of the encoder was loaded, and nothing of the file's encoder left.
    public var isComplete: Bool { missing.isEmpty && strays.isEmpty && !loaded.isEmpty }
}
