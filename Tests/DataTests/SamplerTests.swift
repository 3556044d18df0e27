import Testing

@testable import Data

@Suite("Sampler") struct SamplerTests {
    @Test(arguments: [1, 2, 3, 4, 6], [false, true])
    func processesShareTheGlobalOrder(worldSize: Int, dropsLast: Bool) throws {
        for count in [12, 13, 47, 100] {
            let whole = try Sampler(
                count: count, globalBatchSize: 12, seed: 7, dropsLast: dropsLast)
            for epoch in 0..<3 {
                let order = whole.order(epoch: epoch)
                var seen: [Int] = []
                for step in 0..<whole.stepsPerEpoch {
                    var batch: [Int] = []
                    for rank in 0..<worldSize {
                        let part = try Sampler(
                            count: count, globalBatchSize: 12, seed: 7, dropsLast: dropsLast,
                            worldSize: worldSize, rank: rank)
                        #expect(part.stepsPerEpoch == whole.stepsPerEpoch)
                        #expect(part.places(step: step).count <= part.batchSize)
                        batch += part.places(step: step).map { part.order(epoch: epoch)[$0] }
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
        #expect(sampler.order(epoch: 0) != sampler.order(epoch: 1))
        #expect(sampler.order(epoch: 0) != other.order(epoch: 0))
        #expect(sampler.order(epoch: 4).sorted() == Array(0..<50))
        let fixed = try Sampler(count: 50, globalBatchSize: 10, seed: 1, shuffles: false)
        #expect(fixed.order(epoch: 3) == Array(0..<50))
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
