import Foundation
import Testing
import Torch

@Suite("Operators of networks") struct TensorNetworkTests {
    @Test("linear layers, with and without bias", arguments: [[2, 3], [3], [2, 2, 3], [0, 3]])
    func linear(shape: [Int]) {
        let (a, w, b) = (Naive(random: shape), Naive(random: [4, 3]), Naive(random: [4]))
        let plain = Naive(Array(shape.dropLast()) + [4]) { index in
            (0..<3).reduce(0) { $0 + a[index.dropLast() + [$1]] * w[[index[index.count - 1], $1]] }
        }
        expect(a.tensor.linear(w.tensor, nil), equals: plain)
        expect(a.tensor.linear(w.tensor, b.tensor), equals: plain.with(b, +))
        let single = [a, w, b].map { $0.tensor.to(dtype: .float32) }
        expect(
            single[0].linear(single[1], single[2], throughOneDNN: true), equals: plain.with(b, +),
            within: 1e-5)
    }

    @Test("layer normalisation")
    func layerNorm() {
        let (a, w, b) = (Naive(random: [2, 3, 5]), Naive(random: [5]), Naive(random: [5], seed: 1))
        let normal = a.along(2) { v in
            let (mean, variance) = moments(v)
            return v.map { ($0 - mean) / (variance + 0.01).squareRoot() }
        }
        expect(a.tensor.layerNorm(nil, nil, eps: 0.01), equals: normal)
        expect(
            a.tensor.layerNorm(w.tensor, b.tensor, eps: 0.01),
            equals: normal.with(w, *).with(b, +))
    }

    @Test("batch normalisation, training and not")
    func batchNorm() {
        let (a, w, b) = (Naive(random: [6, 3]), Naive(random: [3]), Naive(random: [3], seed: 1))
        let mean = Naive(random: [3], seed: 2)
        let variance = Naive(random: [3], seed: 3).map { abs($0) + 0.1 }
        let (runningMean, runningVariance) = (mean.tensor, variance.tensor)
        func run(training: Bool) -> Tensor {
            a.tensor.batchNorm(
                weight: w.tensor, bias: b.tensor, runningMean: runningMean,
                runningVariance: runningVariance, training: training, momentum: 0.1, eps: 1e-3)
        }
        func expected(_ mean: Naive, _ variance: Naive) -> Naive {
            a.with(mean, -).with(variance) { $0 / ($1 + 1e-3).squareRoot() }.with(w, *).with(b, +)
        }
        expect(run(training: false), equals: expected(mean, variance))
        let batch = (a.reduced(0) { moments($0).mean }, a.reduced(0) { moments($0).variance })
        expect(run(training: true), equals: expected(batch.0, batch.1))
        expect(runningMean, equals: mean.with(batch.0) { 0.9 * $0 + 0.1 * $1 })
        expect(
            runningVariance, equals: variance.with(batch.1) { 0.9 * $0 + 0.1 * $1 * 6 / 5 })
    }

    @Test("convolution", arguments: [(1, 0), (2, 0), (1, 1), (2, 1)])
    func conv2d(stride: Int, padding: Int) {
        let (a, w, b) = (
            Naive(random: [2, 3, 5, 6]), Naive(random: [4, 3, 2, 2]), Naive(random: [4])
        )
        let (rows, columns) = (
            (5 + 2 * padding - 2) / stride + 1, (6 + 2 * padding - 2) / stride + 1
        )
        let expected = Naive([2, 4, rows, columns]) { index in
            var sum = b[[index[1]]]
            for tap in Naive.indices(of: [3, 2, 2]) {
                let (y, x) = (
                    index[2] * stride + tap[1] - padding, index[3] * stride + tap[2] - padding
                )
                guard (0..<5).contains(y), (0..<6).contains(x) else { continue }
                sum += a[[index[0], tap[0], y, x]] * w[[index[1]] + tap]
            }
            return sum
        }
        expect(
            a.tensor.conv2d(w.tensor, b.tensor, stride: stride, padding: padding), equals: expected)
    }

    @Test("activations", arguments: [[6], [0], [2, 3]])
    func activations(shape: [Int]) {
        let a = Naive(random: shape)
        expect(a.tensor.gelu(), equals: a.map { $0 * 0.5 * (1 + erf($0 / 2.0.squareRoot())) })
        expect(
            a.tensor.tanhGELU(),
            equals: a.map { x in
                x * 0.5 * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
            })
        expect(a.tensor.relu(), equals: a.map { max(0, $0) })
        expect(a.tensor.sigmoid(), equals: a.map { 1 / (1 + exp(-$0)) })
        expect(a.tensor.silu(), equals: a.map { $0 / (1 + exp(-$0)) })
        let axis = shape.count - 1
        expect(a.tensor.softmax(-1), equals: a.along(axis, softmax))
        expect(a.tensor.logSoftmax(axis), equals: a.along(axis) { softmax($0).map { log($0) } })
    }

    @Test("binary cross-entropy of each element, of logits")
    func binaryCrossEntropies() {
        let logits = Naive(random: [3, 4])
        let targets = Naive(random: [3, 4], seed: 1).map { $0 > 0 ? 1 : 0.25 }
        let expected = logits.with(targets) { logit, y in
            -y * log(1 / (1 + exp(-logit))) - (1 - y) * log(1 / (1 + exp(logit)))
        }
        expect(logits.tensor.binaryCrossEntropies(targets.tensor), equals: expected)
    }

    @Test("channels spread over cells of pixels")
    func pixelShuffle() {
        let a = Naive(random: [2, 12, 2, 3])
        let expected = Naive([2, 3, 4, 6]) { i in
            let channel = i[1] * 4 + i[2] % 2 * 2 + i[3] % 2
            return a[[i[0], channel, i[2] / 2, i[3] / 2]]
        }
        expect(a.tensor.pixelShuffled(2), equals: expected)
    }

    @Test("attention, and with a bias for each pair", arguments: [false, true])
    func attention(hasBias: Bool) {
        let bias = hasBias ? Naive(random: [2, 3, 5], seed: 2) : nil
        let (q, k, v) = (
            Naive(random: [2, 2, 3, 4]), Naive(random: [2, 2, 5, 4]),
            Naive(random: [2, 2, 5, 4], seed: 1)
        )
        let scores = Naive([2, 2, 3, 5]) { i in
            (bias?[[i[1], i[2], i[3]]] ?? 0) + 0.3
                * (0..<4).reduce(0) { $0 + q[[i[0], i[1], i[2], $1]] * k[[i[0], i[1], i[3], $1]] }
        }.along(3, softmax)
        let expected = Naive([2, 2, 3, 4]) { i in
            (0..<5).reduce(0) { $0 + scores[[i[0], i[1], i[2], $1]] * v[[i[0], i[1], $1, i[3]]] }
        }
        expect(
            q.tensor.attention(k.tensor, v.tensor, scale: 0.3, bias: bias?.tensor),
            equals: expected)
    }

    @Test("cross-entropy with classes, with probabilities and with smoothing")
    func crossEntropy() {
        let a = Naive(random: [3, 4])
        let classes = [2, 0, 3]
        let rows = a.along(1) { softmax($0).map { -log($0) } }
        func loss(_ weights: (Int, Int) -> Double) -> Naive {
            Naive([]) { _ in
                (0..<3).reduce(0) { sum, i in
                    sum + (0..<4).reduce(0) { $0 + weights(i, $1) * rows[[i, $1]] }
                } / 3
            }
        }
        let hard = { (i: Int, j: Int) in classes[i] == j ? 1.0 : 0.0 }
        expect(a.tensor.crossEntropy(Tensor(classes)), equals: loss(hard))
        expect(
            a.tensor.crossEntropy(Tensor(classes), smoothing: 0.1),
            equals: loss { 0.9 * hard($0, $1) + 0.1 / 4 })
        let soft = Naive(random: [3, 4], seed: 1).along(1, softmax)
        expect(a.tensor.crossEntropy(soft.tensor), equals: loss { soft[[$0, $1]] })
    }

    @Test("the smooth L1 loss", arguments: [1.0, 0.5])
    func smoothL1(beta: Double) {
        let (a, b) = (Naive(random: [4, 3]), Naive(random: [4, 3], seed: 1))
        let terms = a.with(b) { x, y in
            let e = abs(x - y)
            return e < beta ? 0.5 * e * e / beta : e - 0.5 * beta
        }
        expect(
            a.tensor.smoothL1(b.tensor, beta: beta),
            equals: Naive([], values: [terms.values.reduce(0, +) / 12]))
    }

    @Test("bicubic interpolation, by the sizes and by a given scale", arguments: [nil, 1.6])
    func bicubic(scale: Double?) {
        let a = Naive(random: [1, 2, 5, 4])
        let (height, width) = (8, 6)
        let found = a.tensor.resizedBicubic(
            height: height, width: width, scale: scale.map { ($0, $0) })
        let (ratioY, ratioX) = (scale.map { 1 / $0 } ?? 5.0 / 8, scale.map { 1 / $0 } ?? 4.0 / 6)
        let expected = Naive([1, 2, height, width]) { i in
            let (ys, xs) = (taps(i[2], ratioY, length: 5), taps(i[3], ratioX, length: 4))
            return ys.reduce(0) { sum, y in
                sum + xs.reduce(0) { $0 + y.weight * $1.weight * a[[0, i[1], y.place, $1.place]] }
            }
        }
        expect(found, equals: expected, within: 1e-6)
    }

    /// The four places and weights of Keys' kernel with a = −0.75, clamped at the border.
    private func taps(_ target: Int, _ ratio: Double, length: Int) -> [(place: Int, weight: Double)]
    {
        let source = (Double(target) + 0.5) * ratio - 0.5
        let first = Int(source.rounded(.down))
        return (-1...2).map { offset in
            let x = abs(source - Double(first + offset))
            let a = -0.75
            let weight =
                x <= 1
                ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
            return (min(max(first + offset, 0), length - 1), weight)
        }
    }

    private func softmax(_ v: [Double]) -> [Double] {
        let e = v.map { exp($0) }
        return e.map { $0 / e.reduce(0, +) }
    }

    private func moments(_ v: [Double]) -> (mean: Double, variance: Double) {
        let mean = v.reduce(0, +) / Double(v.count)
        return (mean, v.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(v.count))
    }

    @Test("bilinear interpolation of a ramp goes by the factor, not by the quotient of the sizes")
    func bilinear() {
        let ramp = Tensor((0..<7).map(Float.init), shape: [1, 1, 1, 7])
        func expected(_ factor: Double) -> [Double] {
            (0..<3).map { min(max((Double($0) + 0.5) / factor - 0.5, 0), 6) }
        }
        for (scale, factor) in [((1, 0.5), 0.5), (nil, 3 / 7.0)] as [((Double, Double)?, Double)] {
            let found = ramp.interpolatedBilinear(height: 1, width: 3, scale: scale)
                .values(as: Double.self)
            for (a, b) in zip(found, expected(factor)) { #expect(abs(a - b) < 1e-5) }
        }
    }
}
