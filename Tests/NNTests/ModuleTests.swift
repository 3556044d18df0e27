import NN
import Testing
import Torch

/// A module with every kind of member, in an order unlike that of the walk.
private final class Sample: Module {
    let firstChild: Linear
    @Buffer var runningMean: Tensor
    @Parameter var maskToken: Tensor
    @Parameter var absent: Tensor?
    @Constant var table: Tensor
    let listed: [LayerNorm]
    let optionalChild: Linear?
    let noChild: Linear?
    let count = 3
    let head: Sequential

    override class var stateNames: [String: String] {
        ["listed": "norms", "optionalChild": "", "head": "mlp"]
    }

    override init() {
        firstChild = Linear(2, 3, generator: nil)
        runningMean = .zeros([2])
        maskToken = .zeros([1])
        absent = nil
        table = .zeros([5])
        listed = [LayerNorm(2), LayerNorm(2)]
        optionalChild = Linear(2, 2, bias: false, generator: nil)
        noChild = nil
        head = Sequential(
            Linear(2, 4, generator: nil), Activation { $0.gelu() }, Linear(4, 2, generator: nil))
    }
}

private final class BareTensor: Module {
    let scale = Tensor.zeros([1])
}

private final class BareTensors: Module {
    let scales = [Tensor.zeros([1])]
}

private final class BareOptional: Module {
    let scale: Tensor? = .zeros([1])
}

private final class Keyed: Module {
    let parts = ["a": LayerNorm(2)]
}

private final class Duplicate: Module {
    let norm = LayerNorm(2)
    let other = LayerNorm(2)
    override class var stateNames: [String: String] { ["other": "norm"] }
}

private final class Numbered: Module {
    let stages = [LayerNorm(2), LayerNorm(2)]
    let path = [LayerNorm(2)]
    override class var stateNames: [String: String] {
        ["stages": "layer*", "path": "res_path.conv_*"]
    }
}

@Suite("Module") struct ModuleTests {
    @Test("elements of an array are numbered from 1 where its name says so")
    func numbers() {
        #expect(
            Numbered().state().map(\.name) == [
                "layer1.weight", "layer1.bias", "layer2.weight", "layer2.bias",
                "res_path.conv_1.weight", "res_path.conv_1.bias",
            ])
    }

    @Test("own parameters, then own other tensors, then the children, as declared")
    func order() {
        #expect(
            Sample().state().map(\.name) == [
                "mask_token", "running_mean", "table", "first_child.weight", "first_child.bias",
                "norms.0.weight", "norms.0.bias", "norms.1.weight", "norms.1.bias", "weight",
                "mlp.0.weight", "mlp.0.bias", "mlp.2.weight", "mlp.2.bias",
            ])
    }

    @Test("roles decide what is saved and what is trained")
    func roles() {
        let sample = Sample()
        let saved = sample.stateDict.map(\.name)
        #expect(saved.contains("running_mean") && !saved.contains("table"))
        let trained = sample.namedParameters
        #expect(!trained.map(\.name).contains("running_mean"))
        #expect(trained.allSatisfy { $0.tensor.requiresGrad })
        #expect(!sample.runningMean.requiresGrad && !sample.table.requiresGrad)
        #expect(sample.parameterCount == 1 + (6 + 3) + 4 * 2 + 4 + (8 + 4) + (8 + 2))
    }

    @Test("the walk gives the tensors themselves, not copies")
    func identity() {
        let sample = Sample()
        let token = sample.namedParameters[0].tensor
        #expect(token.isIdentical(to: sample.maskToken))
        noGrad { token.fillInPlace(7) }
        #expect(sample.maskToken.item == 7)
    }

    @Test("training and evaluation reach every module inside")
    func trainingMode() {
        let sample = Sample()
        func modes(_ module: Module) -> [Bool] {
            [module.isTraining] + module.children.flatMap(modes)
        }
        #expect(modes(sample).count == 8 && modes(sample).allSatisfy { $0 })
        sample.evaluate()
        #expect(modes(sample).allSatisfy { !$0 })
        sample.train()
        #expect(modes(sample).allSatisfy { $0 })
    }

    @Test("frozen parameters are not recorded, and can be thawed")
    func freeze() {
        let sample = Sample()
        let x = Tensor.ones([1, 2])
        sample.freeze()
        #expect(!sample.head(x).requiresGrad)
        sample.freeze(false)
        #expect(sample.head(x).requiresGrad)
        #expect(!sample.runningMean.requiresGrad)
    }
}

/// Mistakes in a module's declaration end the process with a message that says where.
@Suite("Strictness of the module walk") struct ModuleStrictnessTests {
    private func expectMessage(_ text: String, in result: ExitTest.Result?) {
        let output = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(output.contains(text), "\(output)")
    }

    @Test("a tensor without a role") func bareTensor() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            _ = BareTensor().state()
        }
        expectMessage("BareTensor.scale: mark tensors @Parameter, @Buffer or @Constant", in: result)
    }

    @Test("an array of tensors") func bareTensors() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            _ = BareTensors().state()
        }
        expectMessage("BareTensors.scales: mark tensors", in: result)
    }

    @Test("an optional tensor without a role") func bareOptional() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            _ = BareOptional().state()
        }
        expectMessage("BareOptional.scale: mark tensors", in: result)
    }

    @Test("a dictionary of modules") func keyed() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            _ = Keyed().state()
        }
        expectMessage("Keyed.parts: keep modules in properties or arrays", in: result)
    }

    @Test("two tensors of one name") func duplicate() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            _ = Duplicate().state()
        }
        expectMessage("Duplicate: two tensors are called norm.weight", in: result)
    }
}
