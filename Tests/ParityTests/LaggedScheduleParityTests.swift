import Optimizers
import TestSupport
import Testing
import Torch

@Suite("Learning rates equal to SimMIM's") struct LaggedScheduleParityTests {
    @Test(
        "every step of every shape",
        arguments: ParityTable.cases("beyondcls", "simmim_lr_schedules"))
    func schedules(item: ParityCase) throws {
        for entry in try item.config.array("cases") {
            let settings = entry
            let iterations = try settings.int("iters")
            let steps = try settings.int("epochs") * iterations
            let scales = try settings.array("group_scale").map { try $0.double }
            let schedules = try scales.map { scale in
                LaggedSchedule(
                    try Self.shape(settings, iterations),
                    from: try settings.double("warmup_lr"),
                    peak: try settings.double("base_lr") * scale,
                    warmupSteps: try settings.int("warmup_epochs") * iterations, steps: steps,
                    stepsPerEpoch: iterations)
            }
            let name = try settings.string("name")
            let found = (0..<steps).flatMap { step in
                schedules.map { Float($0.value(at: Double(step) / Double(iterations))) }
            }
            item.compare(
                "out/\(name)", Tensor(found, shape: [steps, scales.count]),
                tolerance: Tolerance(atol: 1e-12, rtol: 1e-6))
        }
        item.finish()
    }

    private static func shape(_ settings: ParityConfig, _ iterations: Int) throws
        -> LaggedSchedule.Shape
    {
        var extra: [String: ParityConfig] = [:]
        for pair in try settings.array("extra") {
            let parts = try pair.array
            extra[try parts[0].string] = parts[1]
        }
        switch try settings.string("name") {
        case "cosine": return .cosine(end: try settings.double("min_lr"))
        case "linear": return .linear
        case "step":
            return .step(
                every: try #require(extra["DECAY_EPOCHS"]).int * iterations,
                factor: try #require(extra["DECAY_RATE"]).double)
        default:
            return .multistep(
                milestones: try #require(extra["MULTISTEPS"]).array.map { try $0.int * iterations },
                factor: try #require(extra["GAMMA"]).double)
        }
    }
}
