import Evaluation
import Torch

/// Classification by the nearest of many features of width 384, every k of the settings in one pass.
enum Neighbors {
    static func classify(_ settings: Settings, _ device: Device) throws -> () -> Void {
        let generator = Generator(seed: 0)
        func features(_ count: Int) -> Features {
            Features(
                values: Tensor.normal([count, 384], generator: generator).to(device),
                labels: (0..<count).map { $0 % 100 })
        }
        let (train, queries) = (features(settings.trainCount), features(settings.queryCount))
        var config = KNearestNeighbors.Config()
        config.neighbors = settings.neighbors
        let classifier = try KNearestNeighbors(train, config)
        return {
            do {
                _ = try classifier.evaluate(queries)
            } catch {
                fatalError("\(error)")
            }
        }
    }
}
