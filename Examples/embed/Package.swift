// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "embed",
    dependencies: [
        // In a package of your own: .package(url: "<address of Tessera>", branch: "main").
        .package(name: "tessera", path: "../..")
    ],
    targets: [
        .executableTarget(
            name: "embed",
            dependencies: [.product(name: "Tessera", package: "tessera")],
            path: "Sources",
            swiftSettings: [.treatAllWarnings(as: .error)])
    ],
    swiftLanguageModes: [.v6]
)
