/// Batches of a few classes each, with as many pictures of each of them.
///
/// A sweep goes through all classes in a random order, `classesPerBatch` at a time, and takes
/// `picturesPerClass` random pictures of each: one of each class, then the next of each. Classes that
/// fill no batch wait for the next sweep. With several `shares` each takes its pictures from a part
/// of every class of its own, and a batch has as many of each share, in turn: with W processes and W
/// shares every process works on the same classes.
public struct StratifiedBatches: EpochOrder {
    public let classes: [[Int]]
    public let classesPerBatch: Int
    public let picturesPerClass: Int
    /// Times that an epoch goes through the classes.
    public let sweeps: Int
    public let shares: Int
    private let count: Int

    /// - Throws: `DataError` where a class has too few pictures, or there are too few classes.
    public init(
        classes: [[Int]], of count: Int, classesPerBatch: Int, picturesPerClass: Int,
        sweeps: Int = 1, shares: Int = 1
    ) throws {
        require(
            classesPerBatch > 0 && picturesPerClass > 0 && sweeps > 0 && shares > 0,
            "StratifiedBatches: nothing to take")
        guard classes.count >= classesPerBatch else {
            throw DataError(
                .tooFewPictures, "classes of a batch",
                "are \(classesPerBatch) but there are only \(classes.count) classes",
                remedy: "lower it")
        }
        if let small = classes.firstIndex(where: { $0.count / shares < picturesPerClass }) {
            throw DataError(
                .tooFewPictures, "class \(small)",
                "has \(classes[small].count) pictures, expected \(picturesPerClass * shares) or more",
                remedy: "lower the pictures of a class or add some")
        }
        (self.classes, self.count) = (classes, count)
        (self.classesPerBatch, self.picturesPerClass) = (classesPerBatch, picturesPerClass)
        (self.sweeps, self.shares) = (sweeps, shares)
    }

    /// Pictures of a batch, over all shares.
    public var batchSize: Int { classesPerBatch * picturesPerClass * shares }

    public var length: Int { sweeps * (classes.count / classesPerBatch) * batchSize }

    public func keys(epoch: Int, seed: UInt64) -> [Int] {
        var repetitions = [Int](repeating: 0, count: count)
        return pictures { sweep in
            var random = CounterRandom(
                seed: seed, purpose: .order, epoch: epoch, sample: sweep)
            return random.permutation(classes.count)
        } members: { sweep, share in
            var random = CounterRandom(
                seed: seed, purpose: .order, epoch: epoch, sample: sweep, view: 1 + share)
            return classes.map { random.permutation($0.count / shares) }
        }.map { picture in
            defer { repetitions[picture] += 1 }
            return repetitions[picture] * count + picture
        }
    }

    /// An epoch's pictures, batch after batch.
    ///
    /// - Parameters:
    ///   - order: the classes in the order of a sweep.
    ///   - members: for each class the order of the pictures of a share of it, in a sweep.
    /// - Returns: the numbers of pictures.
    func pictures(
        order: (_ sweep: Int) -> [Int], members: (_ sweep: Int, _ share: Int) -> [[Int]]
    ) -> [Int] {
        var result: [Int] = []
        result.reserveCapacity(length)
        for sweep in 0..<sweeps {
            let order = order(sweep)
            let members = (0..<shares).map { members(sweep, $0) }
            for batch in 0..<classes.count / classesPerBatch {
                for picture in 0..<picturesPerClass {
                    for place in 0..<classesPerBatch {
                        let label = order[batch * classesPerBatch + place]
                        let size = classes[label].count / shares
                        for share in 0..<shares {
                            result.append(
                                classes[label][share * size + members[share][label][picture]])
                        }
                    }
                }
            }
        }
        return result
    }
}
