// Prints one line for each picture of a folder: its path, then the features that an encoder gives it.
//
// usage: embed WEIGHTS PICTURES [cls | mean | clsAndMean]
import Data
import Evaluation
import Foundation
import Torch
import Training

func embed(_ weights: String, _ pictures: String, _ tokens: FeatureExtractor.TokenChoice) throws {
    // Without this a missing libtorch stops the program at the first tensor, with the same message.
    try LibTorch.load()
    let encoder = try PretrainedEncoder.load(file: weights)
    var config = FeatureExtractor.Config()
    config.tokens = tokens
    let features = try FeatureExtractor(encoder.model, config)

    // Every picture once, in the order of the folder, as evaluations prepare it.
    let source = try openSource(pictures, split: .all)
    let model = encoder.model
    let pipeline = encoder.data.evaluationPipeline(
        imageSize: model.imageSize, channels: model.channels)
    let sampler = try Sampler(
        count: source.count, globalBatchSize: min(32, source.count), seed: 0, shuffles: false,
        dropsLast: false)
    var plan = LoaderPlan(source: source, views: [pipeline], sampler: sampler)
    plan.onBadFile = .stop
    let loader = try Loader(plan, epochs: 1)

    while let batch = try loader.next() {
        let values = features(batch.tensor())  // [B, D]
        for (row, index) in batch.indices.enumerated() {
            let numbers = values[row].values(as: Float.self).map { String(format: "%.4f", $0) }
            print(([source.name(at: index)] + numbers).joined(separator: " "))
        }
    }
}

let arguments = CommandLine.arguments.dropFirst().map { $0 }
let choice = FeatureExtractor.TokenChoice(rawValue: arguments.count > 2 ? arguments[2] : "cls")
guard arguments.count >= 2, let choice else {
    print("usage: embed WEIGHTS PICTURES [cls | mean | clsAndMean]")
    exit(64)
}
do {
    try embed(arguments[0], arguments[1], choice)
} catch {
    FileHandle.standardError.write(Data("embed: \(error)\n".utf8))
    exit(1)
}
