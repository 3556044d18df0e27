import Configuration
import Evaluation
import NN
import Optimizers
import TestSupport
import Testing
import Torch
import VisionModels

@testable import Methods
@testable import Training

/// Schedules, optimisers and whole runs of iBOT.
@Suite("Runs of iBOT equal to the reference") struct DistillationRunParityTests {
    @Test("schedules", arguments: ParityTable.cases("ibot", "schedules"))
    func schedules(item: ParityCase) throws {
        let config = try item.config
        for (index, row) in try config.array("pretrain").enumerated() {
            let (epochs, perEpoch) = (try row.double("ep"), try row.int("ni"))
            let schedule = WarmupSchedule(
                peak: try row.double("base"), end: try row.double("final"),
                warmupEpochs: try row.double("wu"), epochs: epochs, repeatingPeakAt: perEpoch)
            let values = (0..<Int(epochs) * perEpoch).map {
                schedule.value(at: Double($0) / Double(perEpoch))
            }
            item.compare("out64/pretrain_\(index)", Tensor(values), tolerance: .relative(1e-12))
            item.compare(
                "out/pretrain_\(index)", Tensor(values.map { Float($0) }),
                tolerance: .relative(1e-6))
        }
        // Fine-tuning's has the same form, its rise in epochs or in steps.
        let row = try config.object("finetune")
        let (epochs, perEpoch) = (try row.double("ep"), try row.int("ni"))
        let steps = try config.double("finetune_steps_warmup")
        for (name, warmup) in try [
            ("finetune_epochs", row.double("wu")), ("finetune_steps", steps / Double(perEpoch)),
        ] {
            let schedule = WarmupSchedule(
                peak: try row.double("base"), end: try row.double("final"), warmupEpochs: warmup,
                epochs: epochs, repeatingPeakAt: perEpoch)
            let values = (0..<Int(epochs) * perEpoch).map {
                schedule.value(at: Double($0) / Double(perEpoch))
            }
            item.compare("out64/\(name)", Tensor(values), tolerance: .relative(1e-12))
            item.compare(
                "out/\(name)", Tensor(values.map { Float($0) }), tolerance: .relative(1e-6))
        }
        // Probes: half a cosine by epochs, whose number ends the name; its first value is the base.
        for name in try item.names("out64/linear_cosine_annealing_") {
            let recorded = try item.tensor(name)
            let cosine = CosineSchedule(
                from: recorded[0].item, to: 0, epochs: Double(recorded.count))
            let values = (0..<recorded.count).map { cosine.value(at: Double($0)) }
            item.compare(name, Tensor(values), tolerance: .relative(1e-12))
            item.compare(
                name.replacing("out64", with: "out"), Tensor(values.map { Float($0) }),
                tolerance: .relative(1e-6))
        }
        let rates = try item.tensor("out/droppath_linspace")
        item.compare(
            "out/droppath_linspace",
            Tensor(
                DropPath.rates(depth: rates.count, last: rates[rates.count - 1].item)
                    .map { Float($0) }), tolerance: .relative(1e-6))
        if try item.contains("out/pred") {
            item.setAside("out/pred", because: "the record does not say what it is of")
        }
        let probes = try config.array("probe_lrs").map { try $0.double }
        let published = LinearSweep.Config.publishedRates
        #expect(probes.count == published.count)
        for (recorded, rate) in zip(probes, published) {
            #expect(abs(rate - recorded) <= 1e-12 * recorded)
        }
        item.finish()
    }

    @Test(
        "optimisers, clipping, moving average", arguments: ParityTable.cases("ibot", "optimisers"))
    func optimisers(item: ParityCase) throws {
        let config = try item.config
        let steps = try config.int("steps")
        func run(
            _ name: String, decaysBiases: Bool = false,
            _ optimizer: ([ParameterGroup]) throws -> any Optimizer,
            rate: (Int) -> Double, decay: (Int) -> Double
        ) throws {
            let parameters = try item.weights.sorted { $0.key < $1.key }
                .map { (name: $0.key, tensor: $0.value.clone().requiringGrad()) }
            let made = try optimizer(
                decaysBiases
                    ? [ParameterGroup(parameters)]
                    : ParameterGroup.byDecay(parameters, order: .decayedFirst))
            for step in 0..<steps {
                let gradients = try item.tensors("in/g\(step)/")
                for (name, tensor) in parameters { tensor.gradient = gradients[name]?.clone() }
                made.step(learningRate: rate(step), weightDecay: decay(step))
            }
            for (key, tensor) in parameters {
                item.compare(
                    "out/\(name)/\(key)", tensor.detached(), tolerance: .absolute(1e-6))
            }
        }
        // The recorded texts: "0.01*(i+1)" and "group 0: 0.04+0.05*i".
        func line(_ text: String) throws -> (Int) -> Double {
            if let factor = text.firstRange(of: "*(i+1)") {
                let values = numbers(in: String(text[..<factor.lowerBound]))
                let slope = try #require(values.last, "\(text)")
                return { slope * Double($0 + 1) }
            }
            let end = try #require(text.firstRange(of: "*i"), "\(text)").lowerBound
            let values = numbers(in: String(text[..<end]))
            try #require(values.count > 1, "\(text)")
            let (base, slope) = (values[values.count - 2], values[values.count - 1])
            return { base + slope * Double($0) }
        }
        let (rate, decay) = (try line(config.string("lr")), try line(config.string("wd")))
        let adam = try config.object("adamw")
        let betas = try adam.array("betas").map { try $0.double }
        try run(
            "adamw",
            { AdamW($0, beta1: betas[0], beta2: betas[1], eps: try adam.double("eps")) },
            rate: rate, decay: decay)
        let lars = try config.object("lars")
        func makeLARS(_ groups: [ParameterGroup]) throws -> any Optimizer {
            LARS(
                groups, momentum: try lars.double("momentum"),
                trustCoefficient: try lars.double("eta"))
        }
        try run("sgd", { SGD($0, momentum: 0.9) }, rate: rate, decay: decay)
        try run("lars", makeLARS, rate: rate, decay: decay)
        for (name, make) in [
            ("sgd", { SGD($0, momentum: 0.9) }), ("lars", makeLARS),
        ] as [(String, ([ParameterGroup]) throws -> any Optimizer)] {
            let probe = try config.object("probe").object(name)
            let (lr, wd) = (try probe.double("lr"), try probe.double("wd"))
            // A probe's parameters are one group.
            try run(
                "\(name)_probe", decaysBiases: true, make, rate: { _ in lr }, decay: { _ in wd })
        }

        let clipped = try ["w", "b"].map { try item.tensor("in/clip/\($0)") }
        let norms = GradientClipping.clipEachInPlace(clipped, toNorm: try config.double("clip"))
        item.compare("out/clip/norms", stacked(norms), tolerance: .relative(1e-6))
        for (name, tensor) in zip(["w", "b"], clipped) {
            item.compare("out/clip/\(name)", tensor, tolerance: .absolute(1e-6))
        }

        let (rows, columns) = try item.tensor("in/ema/k").shape2
        let (average, source) = (
            Linear(columns, rows, generator: nil), Linear(columns, rows, generator: nil)
        )
        average.weight.replaceMemoryInPlace(with: try item.tensor("in/ema/k"))
        source.weight.replaceMemoryInPlace(with: try item.tensor("in/ema/q"))
        let moving = MovingAverage(of: source, in: average)
        for (index, momentum) in try config.array("ema").enumerated() {
            moving.update(momentum: try momentum.double)
            item.compare("out/ema/k\(index)", average.weight.detached(), tolerance: .absolute(1e-6))
        }
        item.finish()
    }

    // MARK: - Whole runs

    @Test("four steps", arguments: ParityTable.cases("ibot", "train_steps*"))
    func run(item: ParityCase) throws {
        let recorded = try RecordedDistillation(item)
        let arch = try recorded.settings.object("arch")
        switch try arch.string("kind") {
        case "vit": try run(recorded, model: try recorded.vit(arch))
        case "swin": try run(recorded, model: try recorded.swin(arch))
        case let kind: Issue.record("\(item.testDescription): a model of kind \(kind)")
        }
        item.finish()
    }

    private func run<Shape: DistilledModel>(
        _ recorded: RecordedDistillation, model: Shape
    ) throws {
        let start = try RecordedSteps(recorded, model: model, in: .float64).start()
        for dtype in [DType.float32, .float64] {
            try run(recorded, model: model, from: start, in: dtype)
        }
    }

    private func run<Shape: DistilledModel>(
        _ recorded: RecordedDistillation, model: Shape, from start: [String: Tensor],
        in dtype: DType
    ) throws {
        let item = recorded.item
        let run = try RecordedSteps(recorded, model: model, in: dtype)
        let recordsEnd = try run.recordsEnd()
        let method = try run.method(startingFrom: start)
        let updater = run.updater(of: method)
        compareDecay(of: updater.optimizer, recorded.settings, item)

        var rows: [Tensor] = []
        var agreement: [Double] = []
        var clusters: [[Int]] = []
        for step in 0..<run.count {
            let place = updater.place(ofStep: step)
            let losses = try run.losses(of: method, step, at: place)
            clusters.append(run.clusters(of: method, step))
            if step == 0 { try compareFirst(method.student, losses, item) }
            let update = updater.update(at: place, [(1, { losses })])
            let parts = Dictionary(update.parts.map { ($0.name, $0.value) }) { $1 }
            rows.append(
                stacked([try #require(parts["cls"]), try #require(parts["patch"]), update.loss]))
            agreement.append(try #require(parts["acc"]).item)
            guard (step + 1) % run.stepsPerEpoch == 0 else { continue }
            let epoch = step / run.stepsPerEpoch
            let mean = agreement.suffix(run.stepsPerEpoch).reduce(0, +) / Double(run.stepsPerEpoch)
            item.compare("out/stats\(epoch)/acc", Tensor(scalar: Float(mean)))
            try compareScores(
                of: clusters.suffix(run.stepsPerEpoch).flatMap { $0 },
                labels: (step + 1 - run.stepsPerEpoch...step).compactMap(run.labels).flatMap { $0 },
                "out/stats\(epoch)/", item)
            if !recordsEnd {
                try compare(method.student, "out/student_after_epoch\(epoch)/", item, dtype)
            }
            try compare(method.teacher, "out/teacher_after_epoch\(epoch)/", item, dtype)
        }
        for epoch in 0..<run.count / run.stepsPerEpoch where recordsEnd {
            try compare(method.student, "out/student_after_epoch\(epoch)/", item, dtype)
        }
        item.compare("out/losses", stacked(rows).to(dtype: .float32), tolerance: .relative(1e-5))
        for (name, center) in [
            ("center", method.ibotLoss.center), ("center2", method.ibotLoss.center2),
        ] {
            item.compare("out/\(name)", center.to(dtype: .float32), tolerance: .absolute(2e-5))
        }
    }

    /// How an epoch's clusters agree with the classes of its pictures.
    private func compareScores(
        of clusters: [Int], labels: [Int], _ prefix: String, _ item: ParityCase
    ) throws {
        guard !labels.isEmpty else {
            for name in ["nmi", "ari", "fscore"] where try item.contains(prefix + name) {
                item.setAside(prefix + name, because: "the pictures' classes are not recorded")
            }
            return
        }
        try #require(clusters.count == labels.count)
        let scores = ClusterScores(clusters: clusters, labels: labels)
        for (name, score) in [
            ("nmi", scores.mutualInformation), ("ari", scores.adjustedRand),
            ("fscore", scores.fowlkesMallows),
        ] {
            item.compare(
                prefix + name, Tensor(scalar: Float(score)), tolerance: .absolute(1e-6))
        }
    }

    /// Which parameters decay, as recorded.
    private func compareDecay(
        of optimizer: any Optimizer, _ config: ParityConfig, _ item: ParityCase
    ) {
        for (key, scale) in [("regularised", 1.0), ("not_regularised", 0)] {
            let found = Set(
                optimizer.groups.filter { $0.weightDecayScale == scale }.flatMap(\.parameters)
                    .map { String($0.name.dropFirst("student.".count)) })
            let recorded = (try? config.array(key).map { try $0.string }) ?? []
            #expect(found == Set(recorded), "\(item.testDescription): \(key)")
        }
    }

    /// The gradients of the first step, and their norms before any is limited.
    private func compareFirst(
        _ student: Module, _ losses: Losses, _ item: ParityCase
    ) throws {
        let trained = student.namedParameters.filter(\.tensor.requiresGrad)
        let found = gradients(
            of: losses.total, withRespectTo: trained.map(\.tensor), retainGraph: true)
        let byName = Dictionary(zip(trained.map(\.name), found)) { $1 }
        let order = try item.config.array("param_norm_order").map { try $0.string }
        let norms = try order.map { try #require(byName[$0].flatMap { $0 }).norm() }
        // Without a limit the reference has no norms.
        if try item.contains("out/param_norms") {
            item.compare(
                "out/param_norms", stacked(norms).to(dtype: .float32),
                tolerance: .init(atol: 1e-6, rtol: 1e-4))
        }
        for name in try item.names("grad/") {
            let gradient = try #require(byName[String(name.dropFirst(5))].flatMap { $0 })
            item.compare(
                name, gradient.to(dtype: .float32), tolerance: .init(atol: 1e-7, ofMaximum: 1e-4))
        }
    }

    /// Compares every weight of a network, in fp64.
    private func compare(
        _ network: Module, _ prefix: String, _ item: ParityCase, _ dtype: DType
    ) throws {
        let found = Dictionary(network.stateDict.map { ($0.name, $0.tensor.detached()) }) { $1 }
        for recorded in try item.names(prefix) {
            let name = String(recorded.dropFirst(prefix.count))
            let tensor = try #require(
                found[name] ?? found[name.replacing("last_layer2", with: "last_layer")], "\(name)")
            guard dtype == .float64 else { continue }
            if tensor.dtype == .float64 {
                item.compareTrained(recorded, tensor)
            } else {
                item.compare(recorded, tensor)
            }
        }
    }
}
