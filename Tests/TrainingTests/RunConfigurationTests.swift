import Configuration
import Testing
import Torch

@testable import Training

@Suite("Settings of a run") struct RunConfigurationTests {
    @Test("the defaults are MAE's published ones")
    func defaults() throws {
        let settings = try TinySettings.resolve().value
        #expect(settings.data.batchSize == 256 && settings.data.augment == nil)
        #expect(settings.data.mean == [0.485, 0.456, 0.406])
        #expect(settings.data.std == [0.229, 0.224, 0.225])
        #expect(settings.optim.baseLr == 1.5e-4 && settings.optim.lr == nil)
        #expect(settings.optim.betas == [0.9, 0.95] && settings.optim.eps == 1e-8)
        #expect(settings.optim.weightDecay == 0.05 && settings.optim.clip == nil)
        #expect(settings.schedule.epochs == 400 && settings.schedule.warmupEpochs == 40)
        #expect(settings.schedule.minLr == 0)
        #expect(settings.run.seed == 0 && settings.run.accumulation == 1)
        #expect(settings.run.precision == .auto && settings.run.device == .auto)
        #expect(settings.run.keep == 2 && settings.run.saveEvery == 1)
        #expect(settings.run.probeEvery == nil && settings.run.maxNonFinite == 10)
    }

    @Test("every setting of the loop has a line of help")
    func documented() throws {
        let settings = try TinySettings.resolve().settings
        #expect(settings.count > 30)
        for setting in settings where !setting.key.hasPrefix("model.") {
            #expect(setting.documentation != nil, "\(setting.key)")
        }
        for section in TinySettings.documentation.keys {
            #expect(settings.contains { $0.key.hasPrefix(section + ".") }, "\(section)")
        }
    }

    @Test(
        "what makes no sense is refused with key, value and what is expected",
        arguments: [
            ("run.accumulation=0", "run.accumulation is 0, expected a positive number"),
            ("run.parallel=0", "run.parallel is 0, expected a positive number"),
            ("run.logEvery=-1", "run.logEvery is -1, expected a positive number"),
            ("run.keep=0", "run.keep is 0, expected a positive number"),
            ("run.maxNonFinite=0", "run.maxNonFinite is 0, expected a positive number"),
            ("run.threads=0", "run.threads is 0, expected a positive number"),
            ("run.saveEvery=0", "run.saveEvery is 0.0, expected a positive number of epochs"),
            ("run.probeEvery=0", "run.probeEvery is 0.0, expected a positive number of epochs"),
            ("run.probeEvery=-1", "run.probeEvery is -1.0, expected a positive number of epochs"),
            ("run.precision=fp16", "run.precision is 'fp16', expected"),
            ("run.device=gpu", "run.device is 'gpu', expected"),
            ("optim.betas=[0.9]", "optim.betas is [0.9], expected two numbers in [0, 1)"),
            ("optim.betas=[0.9, 1]", "optim.betas is [0.9, 1.0], expected two numbers in [0, 1)"),
            ("optim.clip=0", "optim.clip is 0.0, expected a positive number"),
            ("optim.lr=-1", "optim.lr is -1.0, expected 0 or a positive number"),
            ("optim.baseLr=-1", "optim.baseLr is -1.0, expected 0 or a positive number"),
            ("optim.eps=-1", "optim.eps is -1.0, expected 0 or a positive number"),
            ("optim.weightDecay=-1", "optim.weightDecay is -1.0, expected 0 or a positive number"),
            ("schedule.minLr=-1", "schedule.minLr is -1.0, expected 0 or a positive number"),
            ("schedule.epochs=0", "schedule.epochs is 0.0, expected a positive number"),
            (
                "schedule.warmupEpochs=500",
                "schedule.warmupEpochs is 500.0, expected a number from 0 to epochs, 400.0"
            ),
            ("schedule.warmupEpochs=-1", "schedule.warmupEpochs is -1.0, expected a number from 0"),
        ])
    func validation(override: String, message: String) {
        #expect {
            try TinySettings.resolve(overrides: [override])
        } throws: { error in
            error is ConfigurationError && "\(error)".contains(message)
        }
    }

    @Test("parts that are computed at the same time share no batch norm")
    func runningStatistics() throws {
        let stem = ["model.patchSize=16", "model.stem={}"]
        #expect(throws: Never.self) {
            try TinySettings.resolve(overrides: stem + ["run.accumulation=2"])
        }
        #expect {
            try TinySettings.resolve(overrides: stem + ["run.parallel=2"])
        } throws: { error in
            "\(error)".contains("run.parallel is 2, expected 1 with batch norm in model.stem")
        }
        #expect {
            try TinySettings.resolve(overrides: ["model.stem={strides: [2, 2]}"])
        } throws: { error in
            "\(error)".contains("model.stem.strides is [2, 2], expected 5 numbers")
        }
        #expect {
            try TinySettings.resolve(
                overrides: ["model.patchSize=8", "model.imageSize=32", "model.stem={}"]
            ).value.model.validate()
        } throws: { error in
            "\(error)".contains("expected numbers whose product is the patch size 8")
        }
        // Its tokens would see what a mask hides.
        #expect {
            try TinySettings.resolve(
                overrides: stem + ["model.imageSize=32", "model.masksPatches=true"]
            ).value.model.validate()
        } throws: { error in
            "\(error)".contains("stem is convolutions, expected null with masksPatches")
        }
    }

    @Test("limits themselves are allowed")
    func limits() throws {
        _ = try TinySettings.resolve(overrides: [
            "run.accumulation=1", "run.keep=1", "run.threads=1", "run.saveEvery=0.01",
            "run.probeEvery=0.5", "optim.betas=[0, 0]", "optim.clip=1e-9", "optim.lr=0",
            "optim.weightDecay=0", "schedule.epochs=0.5", "schedule.warmupEpochs=0.5",
        ])
    }

    @Test("the machine decides what is left to it")
    func resolution() throws {
        #expect(try DeviceChoice.cpu.resolve() == .cpu)
        if Device.cudaCount == 0 {
            #expect(try DeviceChoice.auto.resolve() == .cpu)
            #expect { try DeviceChoice.cuda.resolve() } throws: { error in
                "\(error)".contains("run.device is cuda") && "\(error)".contains("tessera doctor")
            }
        } else {
            #expect(try DeviceChoice.auto.resolve() == .cuda(0))
        }
        for precision in [Precision.float32, .bfloat16] {
            #expect(try precision.resolve(on: .cpu) == precision)
            #expect(try precision.resolve(on: .cuda(0)) == precision)
        }
        #expect(try Precision.float16.resolve(on: .cuda(0)) == .float16)
        #expect {
            try Precision.float16.resolve(on: .cpu)
        } throws: {
            "\($0)".hasSuffix("run.precision is float16, expected float32 or bfloat16 on the CPU")
        }
        #expect(try Precision.auto.resolve(on: .cuda(0)) == .bfloat16)
        #expect(
            try Precision.auto.resolve(on: .cpu)
                == (TorchSettings.cpuHasBFloat16 ? .bfloat16 : .float32))
        #expect(Precision.float32.autocast == nil && Precision.auto.autocast == nil)
        #expect(Precision.bfloat16.autocast == .bfloat16 && Precision.float16.autocast == .float16)
    }
}
