import Configuration
import Testing

@testable import Data

/// Steps as a recipe gives them: what is wrong with one is said of the argument itself.
@Suite("Wrong steps in recipes") struct TransformRecipeTests {
    private struct Pictures: Configuration {
        var steps: [Transform] = []
    }

    @Test(
        "the message names step, argument, what was found and what was expected",
        arguments: [
            (
                "[{resize: {}}, {colorJitter: {brightnes: 0.3}}]",
                "r.yaml:1: unknown key 'steps[1].colorJitter.brightnes'; did you mean 'brightness'?"
            ),
            (
                "[{resizze: {}}]",
                "r.yaml:1: unknown key 'steps[0].resizze'; did you mean 'resize'?"
            ),
            (
                "[{resize: {size: big}}]",
                "r.yaml:1: steps[0].resize.size is 'big', expected one number or [height, width]"
            ),
            (
                "[{resize: {size: -3}}]",
                "r.yaml:1: steps[0].resize.size is -3, expected a number above 0"
            ),
            (
                "[{resize: {fit: exat}}]",
                "r.yaml:1: steps[0].resize.fit is 'exat', expected one of shortSide, exact; did you "
                    + "mean 'exact'?"
            ),
            (
                "[{randomApply: {steps: [{grayscale: {}}, {grayscale: {probability: x}}]}}]",
                "r.yaml:1: steps[0].randomApply.steps[1].grayscale.probability is 'x', expected a "
                    + "number"
            ),
            (
                "[{randomApply: {steps: [{grayscale: {probability: 7}}]}}]",
                "steps[0].randomApply.steps[0].grayscale.probability is 7.0, expected a number from "
                    + "0 to 1"
            ),
            (
                "[{randomApply: {}}]",
                "r.yaml:1: steps[0].randomApply.steps is [], expected at least one step"
            ),
            ("[{randAugment: {policy: rand-q9}}]", "steps[0].randAugment.policy is 'rand-q9'; "),
            ("[resize]", "r.yaml:1: steps[0] is 'resize', expected a mapping with one key"),
        ])
    func messages(yaml: String, text: String) throws {
        let recipe = try Recipe(yaml: "steps: \(yaml)", named: "r.yaml")
        let error = #expect(throws: ConfigurationError.self) {
            _ = try Pictures.resolve(recipe: recipe)
        }
        let found = "\(try #require(error))"
        #expect(found.hasPrefix("r.yaml:1: ") && found.contains(text), "\(found)")
    }

    @Test("every step of the list can be given by its name alone, or says what it needs")
    func names() throws {
        for kind in Transform.kinds {
            let recipe = try Recipe(yaml: "steps: [{\(kind): }]", named: "r.yaml")
            do {
                let steps = try Pictures.resolve(recipe: recipe).value.steps
                #expect(steps.map(\.name) == [kind])
            } catch {
                #expect(["randomApply", "randomChoice"].contains(kind), "\(error)")
                let text = "steps[0].\(kind).steps is [], expected at least one step"
                #expect("\(error)".contains(text), "\(error)")
            }
        }
    }
}
