import NN
import Optimizers
import Torch

/// Turns the losses of a step into new weights.
///
/// 1. learning rate and weight decay of the step
/// 2. where targets depend on the whole step, those of all parts
/// 3. backward pass of each part, in the run's precision, the loss scaled for fp16; some at the same
///    time where the run says so
/// 4. gradients of what is not trained in this step dropped, the others' norm limited where the run
///    says so
/// 5. the optimiser, which leaves everything as it is after a loss or gradient that is not finite
/// 6. the method's own moving averages
final class Updater<Method: PretrainingMethod> {
    let method: Method
    let optimizer: any Optimizer
    let scaler: LossScaler?
    private let schedules: RunSchedules
    private let clip: Double?
    private let clipsEach: Bool
    private let clipsParts: Bool
    private let precision: Precision
    private let device: Device
    private let gang: PartGang?
    let stepsPerEpoch: Int

    /// What an update was like, as tensors that are perhaps still being computed.
    struct Update {
        let learningRate: Double
        let weightDecay: Double
        let loss: Tensor
        let parts: [(name: String, value: Tensor)]
        /// Of all gradients, unscaled, before they were limited.
        let gradientNorm: Tensor
        /// Of each of them.
        let gradients: GradientStatistics
    }

    /// - Parameters:
    ///   - method: on its device.
    ///   - settings: validated, `run.precision` settled.
    ///   - stepsPerEpoch: above 0.
    ///   - given: schedules in place of the settings'.
    init(
        _ method: Method, _ settings: RunConfiguration<Method.Config>, stepsPerEpoch: Int,
        schedules given: RunSchedules? = nil
    ) {
        self.method = method
        self.stepsPerEpoch = stepsPerEpoch
        let optim = settings.optim
        (clip, clipsEach, clipsParts) = (optim.clip, optim.clipEach, optim.clipsParts)
        precision = settings.run.precision
        device = method.parameters.first?.device ?? .cpu
        optimizer = optim.optimizer(of: method.parameterGroups)
        scaler = precision == .float16 ? LossScaler(on: device) : nil
        schedules = given ?? RunSchedules(settings, stepsPerEpoch: stepsPerEpoch)
        gang = settings.run.parallel > 1 ? PartGang(settings.run, on: device) : nil
    }

    /// Where a step, counted from 0, is in the run.
    func place(ofStep step: Int) -> Step {
        Step(index: step, epoch: step / stepsPerEpoch, total: schedules.length)
    }

    /// One step of the weights; with AdamW nothing waits for the device.
    ///
    /// - Parameters:
    ///   - place: of the step.
    ///   - parts: the losses of the parts of the batch, each with its share of the whole.
    ///   - preparations: what is done before, of each part, for a `WholeStepMethod`.
    /// - Returns: what it was like.
    func update(
        at place: Step, _ parts: [(share: Double, loss: () -> Losses)],
        preparations: [() -> Void] = []
    ) -> Update {
        let learningRate = schedules.learningRate(at: place.index)
        let weightDecay = schedules.weightDecay(at: place.index)
        prepare(preparations, at: place)
        let made = gang.map { differentiate(parts, by: $0, at: place) } ?? differentiate(parts)
        let total = made.reduce(Tensor.zeros([], device: device)) { $0 + $1.loss }
        dropGradients(at: place)
        let (norm, statistics) = limitGradients()
        // The fused optimiser itself leaves everything as it is where this is 1.
        let nonFinite = GradientClipping.isNonFinite(norm + total)
        optimizer.step(
            learningRate: learningRate, floor: schedules.learningRateFloor(at: place.index),
            weightDecay: weightDecay, unless: nonFinite)
        scaler?.update(nonFinite)
        optimizer.clearGradients()
        method.afterStep(place)
        return Update(
            learningRate: learningRate, weightDecay: weightDecay, loss: total,
            parts: made.flatMap(\.named), gradientNorm: norm, gradients: statistics)
    }

    /// What comes before the losses of parts that depend on one another.
    private func prepare(_ parts: [() -> Void], at place: Step) {
        guard !parts.isEmpty, let method = method as? any WholeStepMethod else { return }
        func make(_ job: () -> Void) {
            autocast(to: precision.autocast, on: device, sharesCasts: gang == nil, job)
        }
        // On a thread of the gang, too: sums depend on the number of threads in an operator.
        for jobs in [parts, [{ method.assemble(at: place) }]] {
            if let gang {
                _ = gang.map(jobs, at: place, make) { $0 }
            } else {
                jobs.forEach(make)
            }
        }
    }

    /// The loss of a part, by its share of the whole, and what it logs.
    private typealias PartLoss = (loss: Tensor, named: [(name: String, value: Tensor)])

    /// Adds the gradients of parts, one after another.
    private func differentiate(_ parts: [(share: Double, loss: () -> Losses)]) -> [PartLoss] {
        parts.map { part in
            limitParts()
            let (root, made) = evaluate(part)
            root.backward()
            return made
        }
    }

    /// The same of some at a time.
    ///
    /// Gradients are added in the order of the parts, so that it does not matter which is done first.
    private func differentiate(
        _ parts: [(share: Double, loss: () -> Losses)], by gang: PartGang, at place: Step
    ) -> [PartLoss] {
        let trained = optimizer.parameters.map(\.tensor)
        return gang.map(parts, at: place) { part in
            let (root, made) = self.evaluate(part)
            return (made, gradients(of: root, withRespectTo: trained))
        } collecting: { made, gradients in
            limitParts()
            for (tensor, gradient) in zip(trained, gradients) {
                guard let gradient else { continue }
                // Gradients of one pass may share their memory.
                tensor.gradient = (tensor.gradient.map { $0 + gradient } ?? gradient.clone())
                    .contiguous()
            }
            return made
        }
    }

    /// Limits what the parts so far add up to, where the run says so; the sum of all is limited later.
    private func limitParts() {
        guard clipsParts else { return }
        limit(optimizer.parameters.filter { $0.tensor.gradient != nil })
    }

    /// What is differentiated of a part, and the loss itself.
    private func evaluate(_ part: (share: Double, loss: () -> Losses)) -> (Tensor, PartLoss) {
        let losses = autocast(
            to: precision.autocast, on: device, sharesCasts: gang == nil, part.loss)
        let loss = part.share == 1 ? losses.total : losses.total * part.share
        return (
            scaler?.scaled(loss) ?? loss,
            (loss.detached(), losses.parts.map { ($0.name, $0.value.detached()) })
        )
    }

    /// Without a gradient the optimiser leaves a parameter alone.
    private func dropGradients(at place: Step) {
        for (name, tensor) in optimizer.parameters where !method.isTrained(name, at: place) {
            tensor.gradient = nil
        }
    }

    /// The norms of the gradients, unscaled, before those that the method names are limited.
    private func limitGradients() -> (norm: Tensor, statistics: GradientStatistics) {
        let parameters = optimizer.parameters.filter { $0.tensor.gradient != nil }
        let gradients = parameters.compactMap(\.tensor.gradient)
        _ = scaler?.unscaleInPlace(gradients)
        let norms = Foreach.norms(gradients)
        let norm = stacked(norms).norm()
        limit(parameters, ofNorm: norm)
        return (
            norm, GradientStatistics(parameters, norms, encoder: Method.trainedEncoder)
        )
    }

    /// Limits the gradients of parameters that have one, all of which together have a norm, if it is known.
    private func limit(_ parameters: [(name: String, tensor: Tensor)], ofNorm norm: Tensor? = nil) {
        let limited = parameters.filter { Method.isClipped($0.name) }.compactMap(\.tensor.gradient)
        guard let clip, !limited.isEmpty else { return }
        if clipsEach {
            GradientClipping.clipEachInPlace(limited, toNorm: clip)
        } else {
            GradientClipping.clipInPlace(
                limited, toGlobalNorm: clip, of: limited.count == parameters.count ? norm : nil)
        }
    }
}

extension OptimizerSettings {
    /// The optimiser of these settings.
    func optimizer(of groups: [ParameterGroup]) -> any Optimizer {
        switch algorithm {
        case .adamw: AdamW(groups, beta1: betas[0], beta2: betas[1], eps: eps)
        case .sgd: SGD(groups, momentum: 0.9)
        case .lars: LARS(groups)
        }
    }
}
