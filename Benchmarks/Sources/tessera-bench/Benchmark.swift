import Foundation

/// What one side of a benchmark has to do; both sides read the same JSON.
struct Settings: Codable {
    enum Workload: String, Codable {
        case add, recordedMultiply, matrixProduct, linear, attention
        case vitStep, maeStep, jepaStep, ibotStep
        case neighbors, sweep, sweepOfPictures, readOuts, load, checkpoint
    }

    var workload: Workload
    /// Threads of one operator; 0 leaves libtorch's default.
    var threads: Int
    var device = "cpu"
    /// On a GPU only sums whose order is fixed.
    var deterministic = false
    /// `fp32`, or `bf16` by automatic mixed precision.
    var precision = "fp32"
    /// Of the encoder: `small`, `base`, `large`.
    var size = "small"
    /// Whether the encoder's blocks forget what the backward pass can compute again.
    var checkpointing = false
    /// Pictures in a step.
    var batch = 1
    /// Tokens of a picture, for attention alone.
    var tokens = 1
    /// Calls of an operator, or steps, in one measurement.
    var repetitions = 1
    /// Linear classifiers that are trained at once, and their classes.
    var probes = 0
    var classes = 0
    var trainCount = 0
    var queryCount = 0
    /// Every k of a classification by nearest neighbors.
    var neighbors: [Int] = []
    /// Ways to read tokens out that are trained at once, and learning rates of each.
    var readOuts: [String] = []
    var rates = 1
    /// Whether the encoder makes the tokens anew, as with random crops, or they were kept.
    var encodes = false
    /// The folder of the pictures that are loaded.
    var folder = ""
    /// What is made of each: `mae`, one crop; `multiCrop`, two large and ten small ones.
    var views = "mae"
    /// Whether JPEGs may be decoded smaller, `fast`, or not, `exact`; the Python side always does all.
    var decoding = "exact"
    /// Threads that load, or processes.
    var workers = 1
    /// A checkpoint to load.
    var file = ""
    /// Whether the peer's model is made before the time runs.
    var ready = false
}

/// One measurement of one side.
struct Sample: Codable {
    var seconds: Double
    /// Of all threads: what the work took where other programs kept the cores busy.
    var processorSeconds: Double
    /// Pages that the kernel had to provide meanwhile.
    var pageFaults: Int
    /// Bytes resident at most so far; on a GPU, bytes allocated there at most.
    var peakMemory: Int
    /// Bytes resident at most meanwhile, beyond those before; pages of mapped files count too.
    var extraMemory: Int?
}

/// A pair of workloads, and what is reported of it.
struct Benchmark {
    /// How seconds become the number that is reported.
    enum Measure {
        /// Work done in a second: larger is better.
        case rate(work: Double, unit: String)
        /// Time for a unit of work: smaller is better.
        case time(work: Double, unit: String, perSecond: Double)

        var unit: String {
            switch self {
            case .rate(_, let unit), .time(_, let unit, _): unit
            }
        }

        var largerIsBetter: Bool {
            if case .rate = self { true } else { false }
        }

        func value(_ seconds: Double) -> Double {
            switch self {
            case .rate(let work, _): work / seconds
            case .time(let work, _, let perSecond): seconds / work * perSecond
            }
        }
    }

    let name: String
    var settings: Settings
    let measure: Measure
    /// Measurements of each side, of which the median counts.
    let rounds: Int
    var reportsMemory = false
    /// Whether what is resident beyond the start is reported.
    var reportsExtraMemory = false
    /// Whether each measurement is the first work of a process, without warming up.
    var isFirst = false
    /// Floating-point operations of one measurement, where the share of a GPU's peak is of interest.
    var operations: Double? = nil
    /// What the GPU can do at most, in floating-point operations a second; nil where it is unknown.
    var peak: Double? = nil
    /// What a reader must know about the numbers.
    var remark: String? = nil
    /// Whether `ownPeer` is the same on one thread, and what the threads bring is of interest.
    var isScaling = false
    /// The settings of a peer that is our own program.
    var ownPeer: Settings? = nil
}

/// A line of `bench.json`.
struct Result: Codable {
    let name: String
    let unit: String
    let ours: Double?
    let peer: Double?
    /// Above 1 where ours is better: ours/peer for rates, peer/ours for times, memory and faults.
    let ratio: Double?

    init(_ name: String, unit: String, ours: Double?, peer: Double?, largerIsBetter: Bool) {
        (self.name, self.unit, self.ours, self.peer) = (name, unit, ours, peer)
        if let ours, let peer, ours > 0, peer > 0 {
            ratio = largerIsBetter ? ours / peer : peer / ours
        } else {
            ratio = nil
        }
    }

    func encode(to encoder: any Encoder) throws {
        // Explicit, so that a missing number is null and not a missing key.
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(unit, forKey: .unit)
        try container.encode(ours, forKey: .ours)
        try container.encode(peer, forKey: .peer)
        try container.encode(ratio, forKey: .ratio)
    }
}

func median(_ values: [Double]) -> Double? {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return nil }
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
