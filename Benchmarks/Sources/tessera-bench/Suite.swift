/// The benchmarks, in the order of the table.
struct Suite {
    let machine: Machine
    let threads: Int
    let quick: Bool
    let deterministic: Bool
    /// Where pictures for the loaders are made.
    let scratch: String

    var cpu: [Benchmark] {
        operators + [linear("fp32"), linear("bf16")]
            + [50, 197].flatMap { [attention($0, "fp32"), attention($0, "bf16")] } + [
                step(.vitStep, "vit_s16", "small", "fp32", batch: quick ? 4 : 16),
                step(.vitStep, "vit_s16", "small", "bf16", batch: bf16Batch(16)),
                checkpointingStep("fp32", batch: quick ? 4 : 16),
                checkpointingStep("bf16", batch: bf16Batch(16)),
                step(.maeStep, "mae_b16", "base", "fp32", batch: quick ? 4 : 32),
                step(.maeStep, "mae_b16", "base", "bf16", batch: bf16Batch(32)),
                step(.jepaStep, "ijepa_s16", "small", "fp32", batch: quick ? 4 : 16),
                step(.jepaStep, "ijepa_s16", "small", "bf16", batch: bf16Batch(16)),
                step(.ibotStep, "ibot_s16", "small", "fp32", batch: quick ? 2 : 8),
                step(.ibotStep, "ibot_s16", "small", "bf16", batch: bf16Batch(8)),
                neighbors([20]), neighbors([10, 20, 100, 200]), abmilp, manyReadOuts,
            ] + sweeps
    }

    /// 45 linear classifiers beside PyTorch's, one after another, and beside one of our own: with the
    /// encoder's pass over crops in every epoch, as published, and on features of one extraction.
    private var sweeps: [Benchmark] {
        var features = Settings(workload: .sweep, threads: threads, batch: 1024)
        (features.probes, features.classes) = (45, 100)
        (features.trainCount, features.size) = (quick ? 4096 : 16384, "small")
        var pictures = features
        (pictures.workload, pictures.batch) = (.sweepOfPictures, quick ? 4 : 32)
        pictures.classes = 1000
        func alone(_ settings: Settings) -> Settings {
            var settings = settings
            settings.probes = 1
            return settings
        }
        let rounds = quick ? 1 : 5
        let images = Benchmark.Measure.rate(work: Double(pictures.batch), unit: "images/s")
        let rate = Benchmark.Measure.rate(
            work: Double(features.trainCount), unit: "features/s")
        return [
            Benchmark(name: "linear_sweep", settings: features, measure: rate, rounds: rounds),
            Benchmark(
                name: "linear_sweep_beside_one", settings: features, measure: rate, rounds: rounds,
                remark: "the peer is Tessera with one probe; features are extracted before",
                ownPeer: alone(features)),
            Benchmark(
                name: "linear_sweep_of_pictures_beside_one", settings: pictures, measure: images,
                rounds: rounds,
                remark: "the peer is Tessera with one probe; the encoder is part of both",
                ownPeer: alone(pictures)),
        ]
    }

    /// Pictures from files to batches, by one thread and by all.
    func loaders() throws -> [Benchmark] {
        let small = try BenchmarkPictures(width: 500, height: 375, count: 64).make(in: scratch)
        let large = try BenchmarkPictures(width: 2000, height: 1500, count: 16).make(in: scratch)
        return [("500x375", small), ("2000x1500", large)].flatMap { size, folder in
            ["mae", "multiCrop"].flatMap { views in
                Set([1, threads]).sorted().map { workers in
                    loader(views, size, folder, workers: workers)
                } + (threads > 1 ? [scaling(views, size, folder)] : [])
            }
        } + ["mae", "multiCrop"].map { fast($0, large) } + [try packed(large)]
    }

    /// A ViT-L from each kind of file, beside the whole way and beside loading alone.
    func checkpoints(python: String, peers: String) throws -> [Benchmark] {
        let files = try Checkpoints.write(
            in: scratch + "/checkpoints", python: python, peers: peers)
        let all: [(String, String?)] = [("safetensors", files.safeTensors), ("pth", files.pth)]
        return all.flatMap { form, file in
            [false, true].compactMap { ready in
                file.map { checkpoint("checkpoint_vit_l_\(form)", $0, ready: ready) }
            }
        }
    }

    private func checkpoint(_ name: String, _ file: String, ready: Bool) -> Benchmark {
        var settings = Settings(workload: .checkpoint, threads: threads, size: "large")
        (settings.file, settings.ready) = (file, ready)
        return Benchmark(
            name: name + (ready ? "_ready" : ""), settings: settings,
            measure: .time(work: 1, unit: "ms", perSecond: 1e3), rounds: quick ? 2 : 5,
            reportsExtraMemory: !ready, isFirst: true,
            remark: ready
                ? "the peer's model is there before the time runs, ours is made meanwhile" : nil)
    }

    /// What DCT scaling saves, beside the same peer.
    private func fast(_ views: String, _ folder: String) -> Benchmark {
        let exact = loader(views, "2000x1500", folder, workers: 1)
        var settings = exact.settings
        settings.decoding = "fast"
        return Benchmark(
            name: "load_\(views)_2000x1500_fast_1", settings: settings, measure: exact.measure,
            rounds: exact.rounds, remark: "data.decoding=fast, not exact; the peer decodes all")
    }

    /// A pack of large pictures, made smaller, beside the pictures themselves.
    private func packed(_ folder: String) throws -> Benchmark {
        let files = loader("mae", "2000x1500", folder, workers: 1)
        var settings = files.settings
        settings.folder = try BenchmarkPictures.pack(folder, shortSide: 256)
        return Benchmark(
            name: "load_mae_pack_1", settings: settings, measure: files.measure,
            rounds: files.rounds,
            remark: "the peer is Tessera on the pictures that were packed", ownPeer: files.settings)
    }

    /// All threads beside one, in turns, each for a second or two: what else the machine does, and the
    /// speed at which it lets the cores run, change from minute to minute.
    private func scaling(_ views: String, _ size: String, _ folder: String) -> Benchmark {
        var (one, all) = (
            loader(views, size, folder, workers: 1), loader(views, size, folder, workers: threads)
        )
        let more = views == "mae" && size == "500x375" ? 4 : 2
        one.settings.repetitions *= more
        all.settings.repetitions *= more
        return Benchmark(
            name: "load_\(views)_\(size)_scaling", settings: all.settings, measure: all.measure,
            rounds: quick ? 1 : 9, isScaling: true, ownPeer: one.settings)
    }

    private func loader(
        _ views: String, _ size: String, _ folder: String, workers: Int
    ) -> Benchmark {
        let batch = 8
        // About as long for all: large pictures and many views are slow.
        let pictures = (views == "mae" ? 256 : 64) * workers / (size == "500x375" ? 1 : 2)
        return Benchmark(
            name: "load_\(views)_\(size)_\(workers)",
            settings: Settings(
                workload: .load, threads: 1, batch: batch, repetitions: pictures / batch,
                folder: folder, views: views, workers: workers),
            measure: .rate(work: Double(pictures), unit: "images/s"), rounds: quick ? 1 : 5)
    }

    /// Steps that fill a GPU, in bf16 as one trains there.
    var cuda: [Benchmark] {
        [matrixProduct]
            + [("base", 256), ("large", 128)].flatMap { size, batch in
                [gpu(.vitStep, "vit", size, batch), gpu(.maeStep, "mae", size, batch)]
            }
    }

    /// What the GPU really does on the best of cases, beside which steps are to be seen.
    private var matrixProduct: Benchmark {
        let (side, calls) = (8192.0, 20)
        let operations = Double(calls) * 2 * side * side * side
        return Benchmark(
            name: "matrix_product_8192_bf16_cuda",
            settings: Settings(
                workload: .matrixProduct, threads: threads, device: "cuda", precision: "bf16",
                repetitions: calls),
            measure: .time(work: Double(calls), unit: "ms", perSecond: 1e3), rounds: 5,
            operations: operations, peak: machine.gpu?.peak)
    }

    private var operators: [Benchmark] {
        let calls = quick ? 50_000 : 200_000
        let each = Benchmark.Measure.time(work: Double(calls), unit: "ns", perSecond: 1e9)
        return [
            ("operator_add", Settings.Workload.add),
            ("operator_multiply_recorded", .recordedMultiply),
        ]
        .map { name, workload in
            Benchmark(
                name: name,
                settings: Settings(workload: workload, threads: threads, repetitions: calls),
                measure: each, rounds: 5)
        }
    }

    private func linear(_ precision: String) -> Benchmark {
        let calls = quick ? 4 : 20
        // y = x Wᵀ, dx = dy W, dW = dyᵀ x.
        let operations = Double(calls) * 3 * 2 * 16 * 197 * 384 * 1536
        return Benchmark(
            name: "linear_384x1536_\(precision)",
            settings: Settings(
                workload: .linear, threads: threads, precision: precision, repetitions: calls),
            measure: .rate(work: operations / 1e9, unit: "GFLOP/s"), rounds: 5,
            remark: remark(precision, 16))
    }

    private func attention(_ tokens: Int, _ precision: String) -> Benchmark {
        let (batch, calls) = (16, quick ? 2 : 10)
        return Benchmark(
            name: "attention_\(tokens)_\(precision)",
            settings: Settings(
                workload: .attention, threads: threads, precision: precision, batch: batch,
                tokens: tokens, repetitions: calls),
            measure: .rate(work: Double(batch * calls), unit: "images/s"), rounds: 5,
            remark: remark(precision, batch))
    }

    /// A training step on the CPU, with its memory.
    private func step(
        _ workload: Settings.Workload, _ name: String, _ size: String, _ precision: String,
        batch: Int
    ) -> Benchmark {
        Benchmark(
            name: "\(name)_step_\(precision)",
            settings: Settings(
                workload: workload, threads: threads, precision: precision, size: size,
                batch: batch),
            measure: .rate(work: Double(batch), unit: "images/s"), rounds: quick ? 2 : 5,
            reportsMemory: true, remark: remark(precision, batch))
    }

    /// The same of a ViT-S/16 with activation checkpointing, beside the peer's.
    private func checkpointingStep(_ precision: String, batch: Int) -> Benchmark {
        var benchmark = step(
            .vitStep, "vit_s16_checkpointing", "small", precision, batch: batch)
        benchmark.settings.checkpointing = true
        return benchmark
    }

    /// Nearest neighbors for each k; 10, 20, 100 and 200 are the protocol of DINO and iBOT.
    private func neighbors(_ counts: [Int]) -> Benchmark {
        let queries = quick ? 1000 : 10_000
        return Benchmark(
            name: "knn_50000x384_k" + counts.map(String.init).joined(separator: "_"),
            settings: Settings(
                workload: .neighbors, threads: threads, trainCount: 50_000, queryCount: queries,
                neighbors: counts),
            measure: .rate(work: Double(queries), unit: "queries/s"), rounds: quick ? 1 : 3,
            remark: counts.count > 1 ? "the peer looks for its neighbors for each k anew" : nil)
    }

    /// An epoch of the probe of *Beyond [cls]* on tokens that were kept.
    private var abmilp: Benchmark {
        let pictures = quick ? 128 : 512
        return Benchmark(
            name: "probe_abmilp_197x384",
            settings: Settings(
                workload: .readOuts, threads: threads, batch: 128, trainCount: pictures,
                readOuts: ["abmilp"]),
            measure: .rate(work: Double(pictures), unit: "images/s"), rounds: quick ? 1 : 5)
    }

    /// Six read-outs at five rates beside a single one, each on one pass of the encoder.
    private var manyReadOuts: Benchmark {
        let pictures = quick ? 32 : 128
        var settings = Settings(
            workload: .readOuts, threads: threads, batch: 32, trainCount: pictures,
            readOuts: ["abmilp"], encodes: true)
        let one = settings
        settings.readOuts = ["cls", "mean", "abmilp", "ep", "simpool", "attentive"]
        settings.rates = 5
        return Benchmark(
            name: "probe_6_readouts_5_rates", settings: settings,
            measure: .time(work: Double(pictures), unit: "ms/image", perSecond: 1e3),
            rounds: quick ? 1 : 5, remark: "the peer is Tessera with one read-out at one rate",
            ownPeer: one)
    }

    private func gpu(
        _ workload: Settings.Workload, _ name: String, _ size: String, _ batch: Int
    ) -> Benchmark {
        // Several steps in a measurement, so that the one wait at its end does not count.
        let (steps, operations) = (
            10,
            workload == .vitStep
                ? Operations.visionTransformer(size) : Operations.maskedAutoencoder(size)
        )
        return Benchmark(
            name: "\(name)_\(size.prefix(1))16_step_bf16_cuda",
            settings: Settings(
                workload: workload, threads: threads, device: "cuda",
                deterministic: deterministic, precision: "bf16", size: size, batch: batch,
                repetitions: steps),
            measure: .rate(work: Double(batch * steps), unit: "images/s"), rounds: quick ? 2 : 5,
            reportsMemory: true, operations: Double(batch * steps) * operations,
            peak: machine.gpu?.peak)
    }

    /// Smaller where bf16 is emulated: it is then several times slower than fp32.
    private func bf16Batch(_ batch: Int) -> Int {
        quick || !machine.hasBFloat16 ? 4 : batch
    }

    private func remark(_ precision: String, _ batch: Int) -> String? {
        guard precision == "bf16", !machine.hasBFloat16 else { return nil }
        return "batch \(batch): this CPU has no bf16 instructions, libtorch emulates them"
    }
}

/// Floating-point operations of a step for one picture of 224², multiplications and additions
/// counted each, the backward pass as twice the forward pass.
enum Operations {
    static func visionTransformer(_ size: String) -> Double {
        let (width, depth) = shape(size)
        return 3 * (blocks(tokens: 197, width: width, depth: depth) + embedding(width, 196))
    }

    static func maskedAutoencoder(_ size: String) -> Double {
        let (width, depth) = shape(size)
        return 3
            * (blocks(tokens: 50, width: width, depth: depth) + embedding(width, 49)
                + blocks(tokens: 197, width: 512, depth: 8) + embedding(512, 197))
    }

    private static func shape(_ size: String) -> (width: Double, depth: Double) {
        switch size {
        case "small": (384, 12)
        case "large": (1024, 24)
        default: (768, 12)
        }
    }

    /// Twelve D² for the four matrices of a block, two T D for attention, a token.
    private static func blocks(tokens: Double, width: Double, depth: Double) -> Double {
        2 * depth * tokens * (12 * width * width + 2 * tokens * width)
    }

    /// Patches of 768 numbers, into tokens or out of them.
    private static func embedding(_ width: Double, _ patches: Double) -> Double {
        2 * patches * 768 * width
    }
}
