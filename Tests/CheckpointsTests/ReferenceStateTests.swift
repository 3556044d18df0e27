import TensorFiles
import TestSupport
import Testing

@testable import Checkpoints

/// Optimisers, scalers and schedules that other programs recorded.
@Suite(
    "States of other programs' runs",
    .enabled(
        if: ParityFolder.inUse.file("ibot/checkpoints") != nil,
        "no recorded checkpoints: set TESSERA_PARITY to the folder that holds them"))
struct ReferenceStateTests {
    private func state(_ file: String) throws -> ReferenceState {
        let path = try #require(ParityFolder.inUse.file(file))
        return try ReferenceState(CheckpointSource(path: path))
    }

    @Test("AdamW of timm: groups, rates and moments equal the JSON beside the file")
    func timm() throws {
        let state = try state("mapet/checkpoints/mapet_pretrain.pth.tar")
        let json = try #require(
            try ParityFolder.inUse.json("mapet/checkpoints/mapet_pretrain.json"))
        let optimizer = try #require(state.optimizers.first?.optimizer)
        #expect(state.optimizers.map(\.key) == ["optimizer"])
        let groups = try json.array("optimizer_groups")
        #expect(optimizer.groups.count == groups.count)
        for (group, expected) in zip(optimizer.groups, groups) {
            #expect(group.parameters.count == (try expected.int("n_params")))
            #expect(group.settings["lr"]?.number == (try expected.double("lr")))
            #expect(group.settings["weight_decay"]?.number == (try expected.double("weight_decay")))
        }
        let sums = try json.object("optimizer_exp_avg_sums")
        #expect(try optimizer.states.count == sums.keys.count)
        for (number, entry) in optimizer.states {
            let moment = try #require(entry.moments["exp_avg"]).doubles()
            let magnitude = moment.reduce(0) { $0 + abs($1) }
            let difference = moment.reduce(0, +) - (try sums.double("\(number)"))
            #expect(abs(difference) <= 1e-9 * magnitude, "\(number)")
            #expect(entry.moments["exp_avg_sq"]?.shape == entry.moments["exp_avg"]?.shape)
        }
        #expect(optimizer.step == 1)
        #expect(state.epoch == (try json.int("epoch")))
        #expect(state.values["metric"]?.number == (try json.double("metric")))
        #expect(state.values["arch"] == .string(try json.string("arch")))
        #expect(state.scalers.map(\.key) == ["amp_scaler"])
    }

    @Test("the moments of MAE's AdamW fit the parameters in the order of its groups")
    func mae() throws {
        let path = try #require(
            ParityFolder.inUse.file("beyondcls/checkpoints/mae_pretrain_full.pth"))
        let source = try CheckpointSource(path: path)
        let state = try ReferenceState(source)
        let optimizer = try #require(state.optimizers.first?.optimizer)
        // Parameters without decay come first: biases, norms and other vectors.
        let trained = try #require(source.parts.first { $0.name == "model" }).tensors
            .filter { !["pos_embed", "decoder_pos_embed"].contains($0.name) }
        let vectors = trained.filter { $0.tensor.shape.count == 1 || $0.name.hasSuffix(".bias") }
        let others = trained.filter { item in !vectors.contains { $0.name == item.name } }
        let order = (vectors + others).map { (name: $0.name, shape: $0.tensor.shape) }
        let named = try optimizer.states(of: order)
        #expect(named.count == order.count && optimizer.groups.count == 2)
        #expect(optimizer.groups[0].settings["weight_decay"]?.number == 0)
        #expect(optimizer.groups[0].parameters.count == vectors.count)
        for (name, shape) in order { #expect(named[name]?.moments["exp_avg"]?.shape == shape) }
        // Any other order has other shapes somewhere.
        #expect {
            _ = try optimizer.states(of: order.reversed())
        } throws: {
            "\($0)".contains("the order of the parameters is another")
        }
        #expect {
            _ = try optimizer.states(of: order.dropLast())
        } throws: {
            "\($0)".contains("they are not of one run")
        }
        let scaler = try #require(state.scalers.first)
        #expect(scaler.key == "scaler" && scaler.scaler.growthFactor == 2)
        #expect(scaler.scaler.backoffFactor == 0.5 && scaler.scaler.growthInterval == 2000)
    }

    @Test("SGD, LARS, several optimisers with their schedules")
    func others() throws {
        let swin = try state("ibot/checkpoints/pretrain_swin.pth")
        let sgd = try #require(swin.optimizers.first?.optimizer)
        #expect(sgd.states.values.allSatisfy { Set($0.moments.keys) == ["momentum_buffer"] })
        #expect(sgd.step == nil && !sgd.states.isEmpty)
        let probe = try state("beyondcls/checkpoints/mae_linprobe_cls.pth")
        let lars = try #require(probe.optimizers.first?.optimizer)
        #expect(lars.states.values.allSatisfy { Set($0.moments.keys) == ["mu"] })
        let sweep = try state("ibot/checkpoints/linear_multi.pth")
        #expect(sweep.optimizers.count > 1 && sweep.optimizers[1].key == "optimizers.1")
        #expect(sweep.schedules.count == sweep.optimizers.count)
        #expect(sweep.schedules[0].values["last_epoch"]?.int != nil)
        let simMIM = try state("beyondcls/checkpoints/simmim_vit_pretrain.pth")
        #expect(simMIM.schedules.map(\.key) == ["lr_scheduler"])
    }

    @Test("I-JEPA and featurenorm: the parameters that are frozen have no state")
    func frozen() throws {
        let jepa = try state("stop/checkpoints/ijepa_run/jepa-ep2.pth.tar")
        let optimizer = try #require(jepa.optimizers.first)
        #expect(optimizer.key == "opt" && optimizer.optimizer.groups.count == 4)
        let count = optimizer.optimizer.groups.reduce(0) { $0 + $1.parameters.count }
        #expect(optimizer.optimizer.states.count == count - 2)
        #expect(optimizer.optimizer.groups[2].settings["WD_exclude"] == .bool(true))
        #expect(jepa.epoch != nil && jepa.values["batch_size"]?.int != nil)
        let norm = try state("featurenorm/checkpoints/vanilla_dyntanh/00001.pt")
        #expect(norm.values["global_step"]?.int != nil && norm.epoch != nil)
        #expect(norm.optimizers.first?.optimizer.groups.count == 1)
    }

    @Test("safetensors and folders of weights have no state")
    func none() throws {
        let folder = try TemporaryFolder()
        let file = folder.file("model.safetensors")
        try SafeTensorsWriter.write([(name: String, tensor: TensorRecord)](), to: file)
        for path in [file, folder.path] {
            let state = try ReferenceState(CheckpointSource(path: path))
            #expect(state.optimizers.isEmpty && state.scalers.isEmpty && state.values.isEmpty)
        }
    }
}
