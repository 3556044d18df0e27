// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"), .treatAllWarnings(as: .error),
]

/// A library target of ours and, beside it, its tests in `Tests/<name>Tests`, which may need
/// more: `testing` and files, `fixtures`.
func library(
    _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = [],
    tests: Bool = true, testing: [Target.Dependency] = [], fixtures: [Resource]? = nil
) -> [Target] {
    let target = Target.target(
        name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
    guard tests else { return [target] }
    return [
        target,
        .testTarget(
            name: name + "Tests",
            dependencies: [.init(stringLiteral: name), "TestSupport"] + dependencies + testing,
            resources: fixtures, swiftSettings: strict),
    ]
}

let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "tessera",
    products: [
        .executable(name: "tessera", targets: ["tessera"]),
        // Loaded at run time by CTorch; nothing links against it.
        .library(name: "TesseraTorchBridge", type: .dynamic, targets: ["TorchBridge"]),
        .library(
            name: "Tessera",
            targets: [
                "Torch", "TensorFiles", "Imaging", "Configuration", "NN", "Reports", "Optimizers",
                "VisionModels", "Checkpoints", "Data", "Training", "Methods", "Tokenizers",
                "Evaluation", "Analysis", "ONNXExport",
            ]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // Layer 0: the C interface to libtorch, and the C++ behind it.
        .target(name: "CTorch"),
        .target(
            name: "TorchBridge",
            // `make setup` makes .torch, a link to the folder of libtorch. CTorch's header is found
            // by path: as a dependency it would be a Clang module, which C++ cannot import here.
            cxxSettings: [
                .headerSearchPath("../CTorch/include"),
                .headerSearchPath("../../.torch/include"),
                .headerSearchPath("../../.torch/include/torch/csrc/api/include"),
            ]),
        .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(
            name: "CWebP", pkgConfig: "libwebpdemux", providers: [.apt(["libwebp-dev"])]),
        .systemLibrary(name: "CTIFF", pkgConfig: "libtiff-4", providers: [.apt(["libtiff-dev"])]),
        .systemLibrary(name: "CGIF", pkgConfig: "libgif", providers: [.apt(["libgif-dev"])]),
        .target(name: "CCodecs", dependencies: ["CJPEG", "CPNG", "CWebP", "CTIFF", "CGIF"]),
    ]
        // Layers 1-6; arrows only point down.
        + library("Torch", ["CTorch"])
        + library("TensorFiles", ["CZlib"], testing: ["CheckpointCorpus"])
        + library("Imaging", ["CCodecs", "TensorFiles"], fixtures: [.copy("Fixtures")])
        + library("Configuration", [yams])
        + library("NN", ["Torch", "TensorFiles"])
        + library("Reports", ["Imaging"])
        + library("Optimizers", ["NN", "Torch"])
        + library("VisionModels", ["NN", "Torch", "Configuration"])
        + library(
            "Data", ["Imaging", "Torch", "TensorFiles", "Configuration", "CZlib"],
            testing: ["FaultCorpus"])
        + library(
            "Checkpoints", ["VisionModels", "NN", "TensorFiles", "Torch", "Configuration"],
            fixtures: [.copy("Fixtures")])
        + library(
            "Training",
            [
                "Checkpoints", "NN", "Optimizers", "VisionModels", "Data", "Imaging",
                "Configuration",
                "TensorFiles", "Torch", protobuf,
            ],
            // What the Swift code beside it was generated from.
            exclude: ["TensorBoard/EventFile.proto"])
        + library(
            "Methods",
            [
                "Training", "Checkpoints", "Optimizers", "VisionModels", "Data", "Imaging", "NN",
                "TensorFiles", "Torch", "Configuration",
            ], testing: ["Evaluation"])
        + library(
            "Tokenizers", ["Checkpoints", "VisionModels", "NN", "Torch", "Configuration"],
            testing: ["TensorFiles"])
        + library(
            "Evaluation",
            [
                "VisionModels", "Data", "NN", "Optimizers", "Torch", "Configuration", "TensorFiles",
            ])
        + library(
            "ONNXExport", ["VisionModels", "NN", "Torch", "TensorFiles", protobuf],
            // What the Swift code beside it was generated from.
            exclude: ["ONNXModel.proto"])
        + library(
            "Analysis",
            ["Training", "VisionModels", "Data", "NN", "Torch", "Imaging", "Reports"])
        + [
            .target(
                name: "TestSupport", dependencies: ["Torch", "TensorFiles"], swiftSettings: strict),
            .testTarget(
                name: "TestSupportTests", dependencies: ["TestSupport", "Torch"],
                swiftSettings: strict),
            .testTarget(
                name: "ParityTests",
                dependencies: [
                    "TestSupport", "Torch", "TensorFiles", "NN", "Optimizers", "VisionModels",
                    "Checkpoints", "Data", "Training", "Methods", "Evaluation", "Analysis",
                    "Imaging", "Tokenizers", "Configuration",
                ], swiftSettings: strict),
            .executableTarget(
                name: "tessera",
                dependencies: [
                    "Torch", "TensorFiles", "NN", "Optimizers", "VisionModels", "Checkpoints",
                    "ONNXExport", "Data", "Training", "Methods", "Evaluation", "Analysis",
                    "Imaging",
                    "Reports", "Configuration", arguments,
                ], resources: [.embedInCode("quickstart.yaml")], swiftSettings: strict),
            // Tessera's side of scripts/check-families.
            .executableTarget(
                name: "family-check",
                dependencies: ["Checkpoints", "VisionModels", "NN", "TensorFiles", "Torch"],
                path: "Tests/FamilyCheck", exclude: ["families.py", "requirements.txt"],
                swiftSettings: strict),
            // Files with every fault of real collections, for the tests of Data and tessera.
            .target(
                name: "FaultCorpus", dependencies: ["Imaging", "TensorFiles", "CZlib"],
                path: "Tests/FaultCorpus", swiftSettings: strict),
            // Sound, damaged and hostile checkpoints, for the tests of TensorFiles and for a program
            // that reads millions of them.
            .target(
                name: "CheckpointCorpus", dependencies: ["TensorFiles", "CZlib"],
                path: "Tests/CheckpointCorpus", swiftSettings: strict),
            .target(name: "CFuzzing", path: "Tests/CFuzzing"),
            .executableTarget(
                name: "checkpoint-fuzz",
                dependencies: ["CheckpointCorpus", "CFuzzing", "TensorFiles", arguments],
                path: "Tests/CheckpointFuzz", swiftSettings: strict),
            .testTarget(
                name: "tesseraTests", dependencies: ["TestSupport", "TensorFiles", "FaultCorpus"],
                swiftSettings: strict),
        ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx20
)
