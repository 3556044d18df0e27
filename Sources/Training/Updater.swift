import NN
import Optimizers
import Torch

/// Turns the losses of a step into new weights.
///
/// 1. learning rate and weight decay of the step
/// 2. backward pass of each part, in the run's precision, the loss scaled for fp16
/// 3. gradients of what is not trained in this step dropped, the others' norm limited where the run
///    says so
/// 4. the optimiser, which leaves everything as it is after a loss or gradient that is not finite
/// 5. the method's own moving averages
final class Updater<Method: PretrainingMethod> {
    let method: Method
    let optimizer: any Optimizer
    let scaler: LossScaler?
    private let schedules: RunSchedules
    private let clip: Double?
    private let clipsEach: Bool
    private let precision: Precision
    private let device: Device
    let stepsPerEpoch: Int

    /// What an update was like, as tensors that are perhaps still being computed.
    struct Update {
        let learningRate: Double
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
        (clip, clipsEach, precision) = (optim.clip, optim.clipEach, settings.run.precision)
        device = method.parameters.first?.device ?? .cpu
        optimizer = optim.optimizer(of: method.parameterGroups)
        scaler = precision == .float16 ? LossScaler(on: device) : nil
        schedules = given ?? RunSchedules(settings, stepsPerEpoch: stepsPerEpoch)
    }

    /// Where a step, counted from 0, is in the run.
    func place(ofStep step: Int) -> Step {
        Step(index: step, epoch: step / stepsPerEpoch, total: schedules.length)
    }

    /// One step of the weights, without waiting for the device.
    ///
    /// - Parameters:
    ///   - place: of the step.
    ///   - parts: the losses of the parts of the batch, each with its share of the whole.
    /// - Returns: what it was like.
    func update(at place: Step, _ parts: [(share: Double, loss: () -> Losses)]) -> Update {
        let learningRate = schedules.learningRate(at: place.index)
        var total = Tensor.zeros([], device: device)
        var named: [(name: String, value: Tensor)] = []
        for (share, loss) in parts {
            let losses = autocast(to: precision.autocast, on: device, loss)
            let part = share == 1 ? losses.total : losses.total * share
            (scaler?.scaled(part) ?? part).backward()
            total = total + part.detached()
            named += losses.parts.map { ($0.name, $0.value.detached()) }
        }
        dropGradients(at: place)
        let (norm, statistics) = limitGradients()
        // The fused optimiser itself leaves everything as it is where this is 1.
        let nonFinite = GradientClipping.isNonFinite(norm + total)
        optimizer.step(
            learningRate: learningRate, floor: schedules.learningRateFloor(at: place.index),
            weightDecay: schedules.weightDecay(at: place.index), unless: nonFinite)
        scaler?.update(nonFinite)
        optimizer.clearGradients()
        method.afterStep(place)
        return Update(
            learningRate: learningRate, loss: total, parts: named, gradientNorm: norm,
            gradients: statistics)
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
        if let clip, clipsEach {
            GradientClipping.clipEachInPlace(
                parameters.filter { Method.isClipped($0.name) }.compactMap(\.tensor.gradient),
                toNorm: clip)
        } else if let clip {
            let limited = parameters.filter { Method.isClipped($0.name) }
                .compactMap(\.tensor.gradient)
            GradientClipping.clipInPlace(
                limited, toGlobalNorm: clip, of: limited.count == gradients.count ? norm : nil)
        }
        return (
            norm, GradientStatistics(parameters, norms, encoder: Method.trainedEncoder)
        )
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
