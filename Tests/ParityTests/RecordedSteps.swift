import NN
import Optimizers
import TestSupport
import Testing
import Torch
import VisionModels

@testable import Methods
@testable import Training

/// The recorded steps of a run of iBOT: its settings, its schedules, its pictures.
struct RecordedSteps<Shape: DistilledModel> {
    let recorded: RecordedDistillation
    let stepsPerEpoch: Int
    private let model: Shape
    private let dtype: DType
    private let settings: RunConfiguration<IBOT<Shape>.Config>
    private let schedules: RunSchedules
    private let views: [(global: [Tensor], local: [Tensor], mask: DistillationMask)]

    /// - Parameters:
    ///   - recorded: the case.
    ///   - model: its encoder.
    ///   - dtype: fp32 as the reference, or fp64.
    /// - Throws: where the case is not one of a run.
    init(_ recorded: RecordedDistillation, model: Shape, in dtype: DType) throws {
        (self.recorded, self.model, self.dtype) = (recorded, model, dtype)
        let (item, config) = (recorded.item, recorded.settings)
        func numbers(_ name: String) throws -> [Double] {
            try item.tensor(name).values(as: Float.self).map(Double.init)
        }
        let momenta = try numbers("in/momentum")
        let perEpoch = try config.int("steps_per_epoch")
        var settings = RunConfiguration<IBOT<Shape>.Config>()
        settings.model = model
        settings.run.precision = .float32
        settings.method = try Self.config(recorded, startingAt: momenta[0])
        // 0 is no limit.
        let clip = try config.double("clip_grad")
        settings.optim.clip = clip > 0 ? clip : nil
        let adam = try config.object("adamw")
        settings.optim.betas = try adam.array("betas").map { try $0.double }
        settings.optim.eps = try adam.double("eps")
        schedules = RunSchedules(
            rate: ListedSchedule(values: try numbers("in/lr"), perEpoch: perEpoch),
            decay: ListedSchedule(values: try numbers("in/wd"), perEpoch: perEpoch),
            stepsPerEpoch: perEpoch, length: Double(momenta.count))
        views = try momenta.indices.map { step in
            (
                try item.tensor("in/\(step)/globals").to(dtype: dtype).unbound(0),
                try item.contains("in/\(step)/locals")
                    ? item.tensor("in/\(step)/locals").to(dtype: dtype).unbound(0) : [],
                try recorded.mask("in/\(step)/masks")
            )
        }
        stepsPerEpoch = perEpoch
        self.settings = settings
        for (step, momentum) in momenta.enumerated() {
            let place = Step(index: step, epoch: step / perEpoch, total: Double(momenta.count))
            #expect(abs(settings.method.momentum(at: place) - momentum) < 1e-6)
        }
    }

    var count: Int { views.count }

    private static func config(
        _ recorded: RecordedDistillation, startingAt momentum: Double
    ) throws -> IBOT<Shape>.Config {
        let config = recorded.settings
        var method = IBOT<Shape>.Config()
        method.localCrops = try config.int("nlocal")
        method.localSize = try config.int("local")
        method.prototypes = try config.int("out_dim")
        method.sharedHead = try config.bool("shared_head")
        method.sharedTeacherHead = try recorded.sharesTeacherHead() ?? method.sharedHead
        if !method.sharedHead, config.contains("patch_out_dim") {
            method.patchPrototypes = try config.int("patch_out_dim")
        }
        method.head = try recorded.headForm()
        method.freezeLastLayer = try config.int("freeze_last_layer")
        method.momentum = momentum
        let temperatures = try config.object("temps")
        func ramp(_ key: String) throws -> TemperatureRamp {
            let ends = try temperatures.array(key).map { try $0.double }
            return TemperatureRamp(ends[0], ends[1], epochs: try temperatures.int("warmup"))
        }
        (method.classTemperature, method.patchTemperature) = (try ramp("cls"), try ramp("patch"))
        return method
    }

    // MARK: - Steps

    /// The method with a student of given weights; the teacher starts as the student.
    func method(startingFrom student: [String: Tensor]) throws -> IBOT<Shape> {
        let generator = Generator(seed: 0)
        let method = try IBOT<Shape>(
            settings.method, backbone: model.encoder(generator: generator), generator: generator)
        for entry in method.state() where entry.tensor.dtype == .float32 {
            entry.tensor.replaceMemoryInPlace(with: entry.tensor.detached().to(dtype: dtype))
        }
        try method.student.load(student)
        try method.teacher.load(
            Dictionary(
                method.teacher.stateDict.map {
                    ($0.name, beginning(of: $0.name, in: student) ?? $0.tensor.detached())
                }
            ) { $1 })
        method.train()
        return method
    }

    /// The student's tensor as which the teacher's `name` starts: shared prototypes as those of the
    /// patches where the student has both.
    private func beginning(of name: String, in student: [String: Tensor]) -> Tensor? {
        let ofPatches = name.replacing("last_layer.", with: "last_layer2.")
        let first = settings.method.sharedTeacherHead ? student[ofPatches] : nil
        return first ?? student[name]
            ?? student[name.replacing("last_layer2.", with: "last_layer.")]
    }

    /// The teacher's tensor that starts as the student's `name`.
    private func follower(of name: String) -> String? {
        guard settings.method.sharedTeacherHead, !settings.method.sharedHead else { return name }
        return name.hasPrefix("head.last_layer.")
            ? nil : name.replacing("last_layer2.", with: "last_layer.")
    }

    func updater(of method: IBOT<Shape>) -> Updater<IBOT<Shape>> {
        Updater(method, settings, stepsPerEpoch: stepsPerEpoch, schedules: schedules)
    }

    func losses(of method: IBOT<Shape>, _ step: Int, at place: Step) throws -> Losses {
        let (global, local, mask) = views[step]
        return method.loss(global: global, local: local, mask: mask, at: place)
    }

    /// The prototype that the teacher names for the first view of each picture.
    func clusters(of method: IBOT<Shape>, _ step: Int) -> [Int] {
        let global = views[step].global
        return noGrad {
            method.teacher.logits(of: method.teacher.tokens(global), patches: nil)
                .classes[..<global[0].shape[0]].argmax(1).values()
        }
    }

    /// The classes of the pictures, or nil where they are not recorded.
    func labels(_ step: Int) throws -> [Int]? {
        let name = "in/\(step)/labels"
        return try recorded.item.contains(name)
            ? recorded.item.tensor(name).values(as: Int.self) : nil
    }

    // MARK: - The start

    /// Whether the weights were recorded after the last step instead of before the first.
    ///
    /// The reference's optimiser had then changed the recorded memory: weights and students of all epochs
    /// are the last student.
    func recordsEnd() throws -> Bool {
        let item = recorded.item
        let last = "out/student_after_epoch\((count - 1) / stepsPerEpoch)/"
        return try item.weights.allSatisfy { name, tensor in
            try item.tensor(last + name).isEqual(to: tensor)
        }
    }

    /// The student's weights before the first step.
    ///
    /// Where they were not recorded they are found by iteration, as those from which the run ends at the
    /// recorded teacher, θ₀ ← θ₀ + (recorded − reached), with the recorded gradients in the first step.
    /// The teacher moves by a tenth of what the student does, so that differences shrink from round to
    /// round. Losses, agreement, centres and the last student are then what tests compare.
    func start() throws -> [String: Tensor] {
        let item = recorded.item
        let made = try IBOT<Shape>(
            settings.method, backbone: model.encoder(generator: nil),
            generator: Generator(seed: 0))
        func weights(_ prefix: String, _ head: ProjectionHead) throws -> [String: Tensor] {
            try RecordedDistillation.single(item.tensors(prefix), of: head, under: "head.")
                .mapValues { $0.dtype == .float32 ? $0.to(dtype: dtype) : $0 }
        }
        let student = try weights("w/", made.student.head)
        guard try recordsEnd() else { return student }
        let teacher = try weights(
            "out/teacher_after_epoch\((count - 1) / stepsPerEpoch)/", made.teacher.head)
        var start = student
        for _ in 0..<200 {
            let reached = try end(of: start)
            var largest = 0.0
            for (name, tensor) in student where tensor.dtype == dtype {
                guard let before = start[name], let last = reached.student[name] else { continue }
                let miss =
                    if let name = follower(of: name), let end = teacher[name],
                        let found = reached.teacher[name]
                    {
                        end - found
                    } else {
                        tensor - last
                    }
                // Keys' biases have no gradient but rounding noise.
                if !name.hasSuffix("attn.qkv.bias") {
                    largest = max(largest, miss.abs().max().item)
                }
                start[name] = before + miss
            }
            if largest < 1e-7 { return start }
        }
        Issue.record("\(item.testDescription): no start from which the run ends as recorded")
        return start
    }

    /// The student after all steps.
    private func end(
        of start: [String: Tensor]
    ) throws -> (student: [String: Tensor], teacher: [String: Tensor]) {
        let method = try method(startingFrom: start)
        let updater = updater(of: method)
        for step in 0..<count {
            let place = updater.place(ofStep: step)
            var losses = try losses(of: method, step, at: place)
            if step == 0 {
                // Recorded gradients, as those of a linear function.
                var total = Tensor.zeros([], dtype: dtype)
                for (name, tensor) in method.student.namedParameters {
                    guard try recorded.item.contains("grad/" + name) else { continue }
                    total = total + (tensor * (try recorded.item.tensor("grad/" + name))).sum()
                }
                losses = Losses(total: total)
            }
            _ = updater.update(at: place, [(1, { losses })])
        }
        func weights(_ network: Module) -> [String: Tensor] {
            Dictionary(network.stateDict.map { ($0.name, $0.tensor.detached()) }) { $1 }
        }
        return (weights(method.student), weights(method.teacher))
    }
}

/// A value for each step.
private struct ListedSchedule: Schedule {
    let values: [Double]
    let perEpoch: Int

    func value(at epoch: Double) -> Double { values[Int((epoch * Double(perEpoch)).rounded())] }
}
