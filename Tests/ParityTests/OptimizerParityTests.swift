import Optimizers
import TestSupport
import Testing
import Torch

@Suite("Optimisers equal to MAE's and Beyond [cls]'s") struct OptimizerParityTests {
    /// The recorded weights as parameters, and a function that sets the gradients of a step.
    private func parameters(_ item: ParityCase) throws -> [(name: String, tensor: Tensor)] {
        try item.weights.sorted { $0.key < $1.key }.map { ($0.key, $0.value.requiringGrad()) }
    }

    private func setGradients(
        _ item: ParityCase, _ parameters: [(name: String, tensor: Tensor)], step: Int
    ) throws {
        let gradients = try item.tensors("in/grad\(step)/")
        #expect(!gradients.isEmpty)
        for (name, tensor) in parameters { tensor.gradient = gradients[name] }
    }

    /// Compares every parameter that is recorded after `count` steps.
    private func compare(
        _ item: ParityCase, _ parameters: [(name: String, tensor: Tensor)], after count: Int
    ) throws {
        let prefix = "out/step\(count)/"
        let recorded = try item.names(prefix)
        for name in recorded {
            let key = String(name.dropFirst(prefix.count))
            guard let found = parameters.first(where: { $0.name == key }) else {
                Issue.record("\(item.testDescription): no parameter \(key)")
                continue
            }
            item.compare(name, found.tensor.detached(), tolerance: .init(atol: 1e-6, rtol: 1e-5))
        }
    }

    @Test("LARS", arguments: ParityTable.cases("beyondcls", "lars"))
    func lars(item: ParityCase) throws {
        let config = try item.config
        let parameters = try parameters(item)
        let optimizer = LARS(
            [ParameterGroup(parameters)], momentum: try config.double("momentum"),
            trustCoefficient: try config.double("trust_coefficient"))
        for (step, rate) in try config.array("lrs").enumerated() {
            try setGradients(item, parameters, step: step)
            optimizer.step(
                learningRate: try rate.double, weightDecay: try config.double("weight_decay"))
            try compare(item, parameters, after: step + 1)
        }
        for (name, tensor) in optimizer.stateTensors() {
            item.compare(
                "out/\(name.replacing("mu.", with: "mu/", maxReplacements: 1))", tensor,
                tolerance: .init(atol: 1e-6, rtol: 1e-5))
        }
        item.finish()
    }

    @Test(
        "AdamW of pre-training, and what it decays",
        arguments: ParityTable.cases("beyondcls", "mae_pretrain_adamw"))
    func pretraining(item: ParityCase) throws {
        let config = try item.config
        let table = try config.object("weight_decay_by_param")
        let parameters = try parameters(item)
        // Fixed positions are not trained: the table leaves them out.
        let trained = Set(try table.keys)
        for (name, tensor) in parameters where !trained.contains(name) {
            tensor.requiringGrad(false)
        }
        let decay = try trained.map { try table.double($0) }.max() ?? 0
        let groups = ParameterGroup.byDecay(parameters)
        var grouped: Set<String> = []
        for group in groups {
            for (name, _) in group.parameters {
                grouped.insert(name)
                #expect(try decay * group.weightDecayScale == table.double(name), "\(name)")
            }
        }
        #expect(grouped == trained)
        let betas = try config.array("betas")
        let optimizer = AdamW(
            groups, beta1: try betas[0].double, beta2: try betas[1].double,
            eps: try config.double("eps"))
        try step(item, optimizer, parameters) { _ in
            optimizer.step(learningRate: try config.double("lr"), weightDecay: decay)
        }
        item.finish()
    }

    @Test(
        "AdamW of fine-tuning with layer-wise rates",
        arguments: ParityTable.cases("beyondcls", "mae_finetune_adamw_layerdecay"))
    func fineTuning(item: ParityCase) throws {
        let config = try item.config
        let table = try config.object("param_table")
        let parameters = try parameters(item)
        let last = try table.keys.map { try table.object($0).int("layer_id") }.max() ?? 0
        let decay = try config.double("weight_decay")
        let numbers = LayerNumbers.visionTransformer(depth: last - 1)
        let groups = ParameterGroup.byLayer(
            parameters, numbers, decay: try config.double("layer_decay"))
        var grouped: Set<String> = []
        for group in groups {
            for (name, _) in group.parameters {
                grouped.insert(name)
                let row = try table.object(name)
                #expect(try numbers.number(of: name) == row.int("layer_id"))
                #expect(try group.learningRateScale == row.double("lr_scale"), "\(name)")
                #expect(
                    try decay * group.weightDecayScale == row.double("weight_decay"), "\(name)")
            }
        }
        #expect(grouped == Set(try table.keys))

        let shape = try config.object("schedule")
        let schedule = WarmupSchedule(
            peak: try config.double("lr"), end: try shape.double("min_lr"),
            warmupEpochs: try shape.double("warmup_epochs"), epochs: try shape.double("epochs"))
        let betas = try config.array("betas")
        let optimizer = AdamW(
            groups, beta1: try betas[0].double, beta2: try betas[1].double,
            eps: try config.double("eps"))
        let positions = try shape.array("epoch_positions")
        try step(item, optimizer, parameters) { index in
            let rate = schedule.value(at: try positions[index].double)
            // The reference's groups stand in the order of its parameters, ours in the file's.
            let recorded = try config.array("group_lrs")[index].array.map { try $0.double }
            for (a, b) in zip(
                groups.map { rate * $0.learningRateScale }.sorted(), recorded.sorted())
            {
                #expect(abs(a - b) <= 1e-12 * b)
            }
            #expect(groups.count == recorded.count)
            optimizer.step(learningRate: rate, weightDecay: decay)
        }
        item.finish()
    }

    /// Steps through all recorded gradients and compares whatever is recorded after a step.
    private func step(
        _ item: ParityCase, _ optimizer: any Optimizer,
        _ parameters: [(name: String, tensor: Tensor)], _ body: (Int) throws -> Void
    ) throws {
        var index = 0
        while try !item.names("in/grad\(index)/").isEmpty {
            try setGradients(item, parameters, step: index)
            try body(index)
            index += 1
            try compare(item, parameters, after: index)
        }
        #expect(index > 0)
    }

    @Test("learning rates", arguments: ParityTable.cases("beyondcls", "mae_lr_schedule"))
    func schedule(item: ParityCase) throws {
        for (index, row) in try item.config.array("cases").enumerated() {
            let epochs = try row.int("epochs")
            let perEpoch = try row.int("iters_per_epoch")
            let schedule = WarmupSchedule(
                peak: try row.double("lr"), end: try row.double("min_lr"),
                warmupEpochs: try row.double("warmup_epochs"), epochs: Double(epochs))
            let rates = (0..<(epochs * perEpoch)).map { step in
                Float(schedule.value(at: Double(step) / Double(perEpoch)))
            }
            item.compare("out/lr\(index)", Tensor(rates), tolerance: .relative(1e-6))
        }
        item.finish()
    }

    @Test("global norm and clipping", arguments: ParityTable.cases("beyondcls", "grad_norm_clip"))
    func clipping(item: ParityCase) throws {
        let gradients = try item.names("in/grad").map { try item.tensor($0) }
        item.compare("out/norm", GradientClipping.globalNorm(gradients))
        item.compare(
            "out/clip_returned_norm",
            GradientClipping.clipInPlace(
                gradients, toGlobalNorm: try item.config.double("max_norm")))
        for (index, gradient) in gradients.enumerated() {
            item.compare("out/clipped\(index)", gradient)
        }
        item.finish()
    }
}
