import Testing
import Torch

@testable import Evaluation

@Suite("k-NN") struct KNearestNeighborsTests {
    /// The protocol as a naive loop.
    private func naive(_ train: Features, _ test: Features, k: Int, temperature: Double) -> Int {
        func unit(_ features: Features) -> [[Double]] {
            (0..<features.count).map { row in
                let values = features.values[row].values(as: Double.self)
                let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
                return values.map { $0 / norm }
            }
        }
        let (known, asked) = (unit(train), unit(test))
        return zip(asked, test.labels).count { vector, label in
            let similarities = known.map { zip($0, vector).reduce(0) { $0 + $1.0 * $1.1 } }
            let nearest = similarities.indices.sorted { similarities[$0] > similarities[$1] }
            var votes: [Int: Double] = [:]
            for index in nearest.prefix(k) {
                votes[train.labels[index], default: 0] +=
                    Double.exp(similarities[index] / temperature)
            }
            return votes.max { $0.value < $1.value }?.key == label
        }
    }

    @Test("equals the naive loop", arguments: [1, 3, 20, 60])
    func naive(k: Int) throws {
        let train = clusters(60, spread: 2, seed: 1)
        let test = clusters(50, spread: 2, seed: 2)
        var config = KNearestNeighbors.Config()
        config.neighbors = [k]
        let found = try KNearestNeighbors(train, config).evaluate(test)[0].accuracy.top1
        let expected = naive(train, test, k: k, temperature: config.temperature)
        #expect(expected > 15 && expected < 50)
        #expect(abs(found - Double(expected) * 2) < 1e-9)
    }

    @Test("every k of one pass has the score of its own pass, in the order asked for")
    func severalK() throws {
        let train = clusters(80, spread: 2, seed: 1)
        let test = clusters(30, spread: 2, seed: 2)
        var config = KNearestNeighbors.Config()
        config.neighbors = [20, 1, 5]
        let together = try KNearestNeighbors(train, config).evaluate(test)
        #expect(together.map(\.k) == [20, 1, 5])
        for (k, accuracy) in together {
            config.neighbors = [k]
            #expect(try KNearestNeighbors(train, config).evaluate(test)[0].accuracy == accuracy)
        }
    }

    @Test("votes at low temperatures are finite, and the nearest decides")
    func lowTemperature() throws {
        // Cosines with (1, 0): 1 and twice 0.95; e^(1 / 0.002) is beyond fp32.
        let near = (1 - 0.95 * 0.95).squareRoot()
        let train = Features(
            values: Tensor([1, 0, 0.95, Float(near), 0.95, -Float(near)], shape: [3, 2]),
            labels: [1, 0, 0])
        let test = Features(values: Tensor([1, 0] as [Float], shape: [1, 2]), labels: [1])
        var config = KNearestNeighbors.Config()
        (config.neighbors, config.temperature) = ([3], 0.002)
        let found = try KNearestNeighbors(train, config)
        #expect(found.votes(for: test.values, classCount: 2)[0].sum().item.isFinite)
        #expect(try found.evaluate(test)[0].accuracy.top1 == 100)
        config.temperature = 0.001
        #expect(throws: (any Error).self) { try KNearestNeighbors(train, config) }
    }

    @Test("the length of a feature does not matter")
    func scale() throws {
        let train = clusters(40, spread: 2, seed: 1)
        let test = clusters(40, spread: 2, seed: 2)
        let scaled = Features(
            values: train.values * Tensor((1...40).map(Float.init), shape: [40, 1]),
            labels: train.labels)
        var config = KNearestNeighbors.Config()
        config.neighbors = [5]
        let plain = try KNearestNeighbors(train, config).evaluate(test)[0].accuracy
        #expect(try KNearestNeighbors(scaled, config).evaluate(test)[0].accuracy == plain)
    }

    @Test("one test picture is enough; a class that training lacks is missed")
    func small() throws {
        var config = KNearestNeighbors.Config()
        config.neighbors = [1]
        let train = Features(
            values: Tensor([1, 0, 0, 1] as [Float], shape: [2, 2]), labels: [0, 1])
        let test = Features(values: Tensor([1, 0.1] as [Float], shape: [1, 2]), labels: [7])
        #expect(
            try KNearestNeighbors(train, config).evaluate(test)[0].accuracy
                == Accuracy(top1: 0, top5: 0))
    }

    @Test("the k largest are those of sorting all", arguments: [7, 64, 65, 1000, 1023])
    func largest(count: Int) {
        let x = Tensor.normal([5, count], generator: Generator(seed: 4))
        for k in [1, 3, 7] {
            let (found, sorted) = (KNearestNeighbors.largest(x, k), x.topK(k))
            #expect(found.values.isEqual(to: sorted.values))
            #expect(found.indices.isEqual(to: sorted.indices))
        }
        let equal = KNearestNeighbors.largest(Tensor.zeros([1, count]), 3)
        #expect(Set(equal.indices.values(as: Int64.self)).count == 3)
    }

    @Test("too few training features are an error that says what to do")
    func tooFew() throws {
        let train = clusters(10, seed: 1)
        #expect {
            _ = try KNearestNeighbors.scores(train: train, test: train)
        } throws: {
            "\($0)".contains("k = 200") && "\($0)".contains("10 training features")
                && "\($0)".contains("lower protocol.neighbors")
        }
    }
}

extension Double {
    fileprivate static func exp(_ x: Double) -> Double { Tensor(scalar: x).exp().item }
}
