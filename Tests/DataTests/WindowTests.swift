import Imaging
import Testing

@testable import Data

/// Windows and packed sequences of any sizes.
@Suite("Windows and packing") struct WindowTests {
    private func random(_ sample: Int) -> CounterRandom {
        CounterRandom(seed: 17, purpose: .mask, sample: sample)
    }

    @Test("a split is a partition into whole windows", arguments: [1, 2, 3, 4])
    func partition(side: Int) throws {
        var split = WindowSplit()
        split.windowSize = side
        for sample in 0..<100 {
            var source = random(sample)
            let grid = MaskGrid(
                rows: side * source.integer(in: 1..<9), columns: side * source.integer(in: 2..<9))
            try split.validate(on: grid)
            let result = split.split(grid, maxPatches: 128, random: &source)
            let (context, target) = (result.contexts[0], result.targets[0])
            #expect((context + target).sorted() == Array(0..<grid.count))
            #expect(!context.isEmpty && !target.isEmpty && context.count <= 128)
            for list in [context, target] {
                for start in stride(from: 0, to: list.count, by: side * side) {
                    let first = list[start]
                    #expect(first / grid.columns % side == 0 && first % grid.columns % side == 0)
                    let window = (0..<side * side).map { index in
                        first + index / side * grid.columns + index % side
                    }
                    #expect(Array(list[start..<start + side * side]) == window)
                }
            }
        }
    }

    @Test("sampled windows are different, padding comes last, disjoint repeats share none")
    func sampling() throws {
        var sampling = WindowSampling()
        for disjoint in [false, true] {
            sampling.disjoint = disjoint
            try sampling.validate(windows: 32)
            for sample in 0..<100 {
                var source = random(sample)
                let isPadding = (0..<32).map { $0 >= 12 + sample % 20 }
                let rows = sampling.windows(isPadding: isPadding, random: &source)
                #expect(rows.count == 4 && rows.allSatisfy { Set($0).count == 8 })
                if disjoint {
                    #expect(Set(rows.joined()).count == 32)
                } else {
                    #expect(rows.joined().allSatisfy { !isPadding[$0] })
                }
            }
        }
    }

    @Test("a packer loses nothing, overlaps nothing, and takes the first place")
    func packing() throws {
        var packer = PairPacker(contextLength: 40, targetLength: 60, sequences: 5)
        var placed: [PairPacker.Placement] = []
        var lengths: [Int: (Int, Int)] = [:]
        func take(_ sequences: [[PairPacker.Placement]]) {
            for sequence in sequences {
                for (a, b) in zip(sequence, sequence.dropFirst()) {
                    #expect(a.context.upperBound == b.context.lowerBound)
                    #expect(a.target.upperBound == b.target.lowerBound)
                }
                #expect((sequence.last?.context.upperBound ?? 0) <= 40)
                #expect((sequence.last?.target.upperBound ?? 0) <= 60)
                placed += sequence
            }
        }
        for id in 0..<500 {
            var source = random(id)
            let (x, y) = (source.integer(in: 0..<41), source.integer(in: 0..<61))
            lengths[id] = (x, y)
            if let full = try packer.append(id: id, context: x, target: y) { take(full) }
        }
        take(packer.take())
        #expect(placed.map(\.id).sorted() == Array(0..<500))
        for place in placed {
            #expect(place.context.count == lengths[place.id]?.0)
            #expect(place.target.count == lengths[place.id]?.1)
        }
        let error = #expect(throws: DataError.self) {
            _ = try packer.append(id: 9, context: 41, target: 1)
        }
        #expect("\(try #require(error))".contains("sample 9"))
    }

    @Test("the bytes of patches, patch by patch")
    func patchBytes() {
        let picture = ImageBuffer(
            width: 5, height: 4, channels: 1, pixels: (0..<20).map(UInt8.init))
        #expect(
            picture.patchBytes(2)
                == [0, 1, 5, 6, 2, 3, 7, 8, 10, 11, 15, 16, 12, 13, 17, 18])
    }

    @Test("no tokens, no facts")
    func emptyMetrics() {
        let metrics = PackingMetrics([[.padding, .padding]], patchSize: 16)
        #expect(metrics.paddingShare == 1 && metrics.sampleCount == 0)
        #expect(metrics.averageSide == 0 && metrics.maxHeight == 16)
    }
}
