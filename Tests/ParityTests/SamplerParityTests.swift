import TestSupport
import Testing
import Torch

@testable import Data

/// The orders in which epochs take their pictures.
@Suite("Samplers equal to the reference") struct SamplerParityTests {
    @Test(
        "repeated augmentation",
        arguments: ParityTable.cases("ibot", "repeated_aug_sampler"))
    func repeatedAugmentation(item: ParityCase) throws {
        let count = try item.config.int("n")
        let processes = try item.config.int("replicas")
        let order = RepeatedAugmentation(count: count)
        let shuffled = try item.tensor("in/randperm").values(as: Int.self)
        for (name, pictures) in [("plain", Array(0..<count)), ("shuffled", shuffled)] {
            let keys = order.keys(pictures: pictures)
            for rank in 0..<processes {
                // Steps of one picture a process: the places of all of them are the rank's list.
                let sampler = try Sampler(
                    order, of: count, globalBatchSize: processes, seed: 0, worldSize: processes,
                    rank: rank)
                let places = (0..<sampler.stepsPerEpoch).flatMap { sampler.places(step: $0) }
                item.compare(
                    "out/\(name)_rank\(rank)", Tensor(places.map { sampler.picture(of: keys[$0]) }))
            }
        }
        item.finish()
    }

    @Test(
        "batches of a few classes", arguments: ParityTable.cases("stop", "stop_class_sampler"))
    func stratifiedBatches(item: ParityCase) throws {
        let config = try item.config
        guard try !config.bool("unique") else {
            for name in try item.names("out/") {
                item.setAside(name, because: "classes of their own for each process: not offered")
            }
            return item.finish()
        }
        let sizes = try config.array("class_sizes").map { try $0.int }
        let stride = sizes.max() ?? 0
        let (processes, sweeps) = (try config.int("world_size"), try config.int("inner_epochs"))
        let (epoch, seed) = (try config.int("outer_epoch"), try config.int("seed"))
        let order = try StratifiedBatches(
            classes: sizes.enumerated().map { Array($0 * stride..<$0 * stride + $1) },
            of: sizes.count * stride, classesPerBatch: try config.int("classes_per_batch"),
            picturesPerClass: try config.int("batch_size"), sweeps: sweeps, shares: processes)
        // The reference draws from generators of libtorch, one for the classes of a sweep and one
        // for the pictures of a process in it, class after class.
        let pictures = order.pictures { sweep in
            Generator(seed: UInt64(seed + 1 + sweep)).permutation(sizes.count)
        } members: { sweep, share in
            let generator = Generator(
                seed: UInt64(seed + (epoch * processes + share) * sweeps + sweep))
            return sizes.map { generator.permutation($0 / processes) }
        }
        for rank in 0..<processes {
            let sampler = try Sampler(
                order, of: order.length, globalBatchSize: order.batchSize, seed: 0,
                worldSize: processes, rank: rank)
            let batches = (0..<sampler.stepsPerEpoch).map { step in
                sampler.places(step: step).map { pictures[$0] }
            }
            item.compare(
                "out/batches_rank\(rank)",
                Tensor(batches.flatMap { $0 }, shape: [batches.count, sampler.batchSize]))
            item.compare("out/len_rank\(rank)", Tensor(scalar: sampler.stepsPerEpoch))
        }
        item.finish()
    }
}

extension Generator {
    /// The numbers 0..<count in random order, as libtorch draws them.
    fileprivate func permutation(_ count: Int) -> [Int] {
        Tensor.permutation(count, generator: self).values(as: Int.self)
    }
}
