import Testing

@testable import Data

@Suite("Sampler") struct SamplerTests {
    @Test(arguments: [1, 2, 3, 4, 6], [false, true])
    func processesShareTheGlobalOrder(worldSize: Int, dropsLast: Bool) throws {
        for count in [12, 13, 47, 100] {
            let whole = try Sampler(
                count: count, globalBatchSize: 12, seed: 7, dropsLast: dropsLast)
            for epoch in 0..<3 {
                let order = whole.keys(epoch: epoch)
                var seen: [Int] = []
                for step in 0..<whole.stepsPerEpoch {
                    var parts: [[Int]] = []
                    for rank in 0..<worldSize {
                        let part = try Sampler(
                            count: count, globalBatchSize: 12, seed: 7, dropsLast: dropsLast,
                            worldSize: worldSize, rank: rank)
                        #expect(part.stepsPerEpoch == whole.stepsPerEpoch)
                        let places = Array(part.places(step: step))
                        #expect(places.count <= part.batchSize)
                        parts.append(places.map { part.keys(epoch: epoch)[$0] })
                    }
                    let batch = (0..<parts[0].count * worldSize).compactMap { place in
                        let part = parts[place % worldSize]
                        return place / worldSize < part.count ? part[place / worldSize] : nil
                    }
                    #expect(batch == whole.places(step: step).map { order[$0] })
                    seen += batch
                }
                let expected = dropsLast ? count / 12 * 12 : count
                #expect(seen == Array(order.prefix(expected)))
                #expect(Set(seen).count == expected)
            }
        }
    }

    @Test func epochsAndSeedsHaveOrdersOfTheirOwn() throws {
        let sampler = try Sampler(count: 50, globalBatchSize: 10, seed: 1)
        let other = try Sampler(count: 50, globalBatchSize: 10, seed: 2)
        #expect(sampler.keys(epoch: 0) != sampler.keys(epoch: 1))
        #expect(sampler.keys(epoch: 0) != other.keys(epoch: 0))
        #expect(sampler.keys(epoch: 4).sorted() == Array(0..<50))
        let fixed = try Sampler(count: 50, globalBatchSize: 10, seed: 1, shuffles: false)
        #expect(fixed.keys(epoch: 3) == Array(0..<50))
    }

    @Test func positionsAdvanceThroughEpochs() throws {
        let sampler = try Sampler(count: 25, globalBatchSize: 10, seed: 1)
        var position = LoaderPosition()
        var visited: [LoaderPosition] = []
        for _ in 0..<5 {
            visited.append(position)
            position = sampler.advance(position)
        }
        #expect(visited.map(\.epoch) == [0, 0, 1, 1, 2])
        #expect(visited.map(\.step) == [0, 1, 0, 1, 0])
    }

    @Test func impossibleBatchesSayWhy() {
        let few = #expect(throws: DataError.self) {
            try Sampler(count: 5, globalBatchSize: 8, seed: 1)
        }
        #expect(few?.problem == "is 8 but there are only 5 pictures")
        #expect(throws: Never.self) {
            try Sampler(count: 5, globalBatchSize: 8, seed: 1, dropsLast: false)
        }
        let odd = #expect(throws: DataError.self) {
            try Sampler(count: 50, globalBatchSize: 9, seed: 1, worldSize: 2)
        }
        #expect(odd?.remedy == "choose a multiple of 2")
    }
}

@Suite("Orders of an epoch") struct EpochOrderTests {
    @Test(arguments: [1, 3, 4], [7, 256, 600])
    func repeatedPicturesHaveKeysOfTheirOwn(times: Int, count: Int) {
        let order = RepeatedAugmentation(count: count, times: times)
        let keys = order.keys(epoch: 2, seed: 1)
        #expect(
            keys.count == order.length && order.length == (count < 256 ? count : count / 256 * 256))
        #expect(Set(keys).count == keys.count)
        for (place, key) in keys.enumerated() {
            #expect(key % count == keys[place / times * times] % count)
            #expect(key / count == place % times)
        }
    }

    @Test func groupsTakeTheirSharesAndGoThroughAllPictures() {
        let groups = [Array(0..<10), Array(10..<13), [13]]
        let order = WeightedGroups(groups, weights: [1, 2, 1], of: 14, length: 12)
        var seen = [Int](repeating: 0, count: 14)
        for epoch in 0..<10 {
            let keys = order.keys(epoch: epoch, seed: 5)
            #expect(keys.count == 12 && Set(keys).count == 12)
            let counts = groups.map { group in keys.count { group.contains($0 % 14) } }
            #expect(counts == [3, 6, 3])
            for key in keys { seen[key % 14] += 1 }
        }
        // 30 draws of ten pictures, 60 of three, 30 of one.
        #expect(seen == [Int](repeating: 3, count: 10) + [20, 20, 20, 30])
        #expect(order.keys(epoch: 3, seed: 5) == order.keys(epoch: 3, seed: 5))
        #expect(order.keys(epoch: 3, seed: 5) != order.keys(epoch: 3, seed: 6))
    }

    @Test(arguments: [(0.0, [90, 10]), (1.0, [50, 50]), (0.5, [75, 25])])
    func balanceMakesClassesEquallyFrequent(balance: Double, expected: [Int]) {
        let labels = (0..<100).map { $0 < 90 ? 4 : 9 }
        let keys = WeightedGroups(labels: labels, balance: balance).keys(epoch: 0, seed: 3)
        let counts = [4, 9].map { label in keys.count { labels[$0 % 100] == label } }
        #expect(counts == expected)
    }

    @Test func largestRemaindersAddUp() {
        #expect(WeightedGroups.apportion(10, by: [1, 1, 1]) == [4, 3, 3])
        #expect(WeightedGroups.apportion(7, by: [0.5, 0.25, 0.25]) == [3, 2, 2])
        #expect(WeightedGroups.apportion(1, by: [1, 5]) == [0, 1])
    }

    @Test func stratifiedBatchesHaveAsManyOfEachClass() throws {
        let classes = (0..<7).map { label in Array(label * 10..<label * 10 + 6 + label % 3) }
        let order = try StratifiedBatches(
            classes: classes, of: 70, classesPerBatch: 3, picturesPerClass: 2, sweeps: 2, shares: 2)
        #expect(order.batchSize == 12 && order.length == 48)
        let keys = order.keys(epoch: 1, seed: 9)
        #expect(keys.count == 48 && Set(keys).count == 48)
        for start in stride(from: 0, to: 48, by: 12) {
            let batch = keys[start..<start + 12].map { $0 % 70 }
            let counts = Dictionary(grouping: batch) { $0 / 10 }.mapValues(\.count)
            #expect(counts.count == 3 && counts.values.allSatisfy { $0 == 4 })
        }
        let error = #expect(throws: DataError.self) {
            try StratifiedBatches(
                classes: classes, of: 70, classesPerBatch: 3, picturesPerClass: 4, shares: 2)
        }
        #expect(error?.problem == "has 6 pictures, expected 8 or more")
    }
}
