import Imaging
public import Torch

/// A batch as tensors, on whichever device.
///
/// Shapes: B pictures, C channels, H height, W width. Not `Sendable`, as tensors are not: it is made of a
/// `HostBatch` by the thread that uses it.
public struct ImageBatch {
    /// Normalised pictures, `[B, C, H, W]`, one tensor for each view.
    public let views: [Tensor]
    /// Classes, `[B]` int64; −1 without labels.
    public let labels: Tensor
    /// The picture in each row.
    public let indices: [Int]
    /// The number that each row's random draws depend on.
    public let keys: [Int]
    public let position: LoaderPosition
    public let seed: UInt64

    /// The first view, `[B, C, H, W]`.
    public var images: Tensor { views[0] }
    public var count: Int { indices.count }
    public var epoch: Int { position.epoch }

    /// Takes over a batch of the loader; floats on the CPU are used where they lie.
    ///
    /// The loader gets the memory back when the last tensor on it is gone. Batches of bytes are
    /// moved first and normalised on the device: a quarter of the traffic. Nothing here waits for a
    /// GPU.
    public init(_ batch: HostBatch, on device: Device = .cpu) {
        views = batch.views.indices.map { batch.tensor(view: $0).sent(to: device) }
            .enumerated().map { view, tensor in
                tensor.dtype == .uint8
                    ? tensor.normalized(batch.views[view].normalization) : tensor
            }
        labels = Tensor(batch.labels).sent(to: device)
        (indices, keys) = (batch.indices, batch.keys)
        (position, seed) = (batch.position, batch.seed)
    }

    /// A batch of pictures that did not come from a loader, `[B, C, H, W]`, normalised.
    ///
    /// The random draws of row i are those of picture i in epoch 0.
    public init(images: Tensor, seed: UInt64 = 0) { self.init(views: [images], seed: seed) }

    /// The same with several views of each picture, of any sizes.
    public init(views: [Tensor], seed: UInt64 = 0) {
        let images = views[0]
        let count = images.shape4.0
        self.views = views
        labels = Tensor([Int](repeating: -1, count: count)).sent(to: images.device)
        (indices, keys) = (Array(0..<count), Array(0..<count))
        (position, self.seed) = (LoaderPosition(), seed)
    }

    private init(_ batch: ImageBatch, rows: Range<Int>) {
        views = batch.views.map { $0[rows] }
        labels = batch.labels[rows]
        (indices, keys) = (Array(batch.indices[rows]), Array(batch.keys[rows]))
        (position, seed) = (batch.position, batch.seed)
    }

    /// The batch in `parts` of about equal size, for gradients that are accumulated.
    public func parts(_ parts: Int) -> [ImageBatch] {
        guard parts > 1 else { return [self] }
        return (0..<parts).map { part in
            ImageBatch(self, rows: count * part / parts..<count * (part + 1) / parts)
        }
    }

    /// Uniform numbers in [0, 1), `[B, count]`, each row a function of its picture and the epoch.
    ///
    /// Made on the CPU and moved to the device of the pictures.
    public func uniform(_ purpose: RandomPurpose, _ count: Int, view: Int = 0) -> Tensor {
        var values = [Float]()
        values.reserveCapacity(keys.count * count)
        for key in keys {
            var random = CounterRandom(
                seed: seed, purpose: purpose, epoch: position.epoch, sample: key, view: view)
            for _ in 0..<count { values.append(random.uniform()) }
        }
        return Tensor(values, shape: [keys.count, count]).sent(to: images.device)
    }

    /// Normal numbers with variance 1, `[B] + shape`, each row a function of its picture and the epoch.
    ///
    /// Made by libtorch on the device of the pictures, so other numbers there than on the CPU.
    public func normal(_ purpose: RandomPurpose, _ shape: [Int], view: Int = 0) -> Tensor {
        let device = images.device
        let rows = keys.map { key in
            var random = CounterRandom(
                seed: seed, purpose: purpose, epoch: position.epoch, sample: key, view: view)
            return Tensor.normal(
                shape, generator: Generator(seed: random.next(), device: device), device: device)
        }
        return stacked(rows)
    }
}

extension HostBatch {
    /// A view as a tensor on the CPU that shares the batch's memory, `[B, C, H, W]`.
    public func tensor(view: Int = 0) -> Tensor {
        let block = views[view]
        return block.memory.tensor(
            [count, block.channels, block.size.height, block.size.width],
            dtype: block.element == .float32 ? .float32 : .uint8)
    }
}

extension Tensor {
    /// `(x / 255 − mean) / std` of bytes `[B, C, H, W]`, as float32.
    public func normalized(_ normalization: Normalization) -> Tensor {
        func perChannel(_ values: [Float]) -> Tensor {
            Tensor(values, shape: [values.count, 1, 1]).sent(to: device)
        }
        return (to(dtype: .float32) / 255 - perChannel(normalization.mean))
            / perChannel(normalization.std)
    }
}
