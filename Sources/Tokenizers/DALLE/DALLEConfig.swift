public import Configuration
import VisionModels

/// The shape of DALL-E's encoder or decoder; the default is the published one.
public struct DALLEConfig: Configuration, Hashable {
    /// K, the number of tokens.
    public var codeCount = 8192
    /// h, the channels of the finest group.
    public var width = 256
    /// Channels before the decoder's first group.
    public var firstWidth = 128
    /// Groups of blocks; between them the sides halve or double.
    public var groups = 4
    /// Residual blocks of a group.
    public var blocksPerGroup = 2
    /// Channels of the pictures.
    public var channels = 3

    public init() {}

    /// What a block's branch is multiplied by: 1 / (number of blocks)².
    var gain: Double {
        let count = Double(groups * blocksPerGroup)
        return 1 / (count * count)
    }

    public func validate() throws {
        try check(codeCount > 0, "codeCount", codeCount, expected: "a positive number")
        try check(
            width > 0 && width % 4 == 0, "width", width,
            expected: "a positive number that 4 divides")
        try check(firstWidth > 0, "firstWidth", firstWidth, expected: "a positive number")
        try check((1...8).contains(groups), "groups", groups, expected: "1 to 8")
        try check(
            (1...64).contains(blocksPerGroup), "blocksPerGroup", blocksPerGroup,
            expected: "1 to 64")
        try check((1...64).contains(channels), "channels", channels, expected: "1 to 64")
    }

    public static var documentation: [String: String] {
        [
            "codeCount": "how many different tokens there are",
            "width": "channels of the finest group of blocks",
            "firstWidth": "channels before the decoder's first group",
            "groups": "groups of blocks, between which the sides halve",
            "blocksPerGroup": "residual blocks of a group",
            "channels": "channels of the pictures",
        ]
    }
}

extension DALLEConfig {
    /// The form of the encoder or the decoder that a set of tensors belongs to.
    ///
    /// - Parameter shapes: by name: `blocks.input.w`, `blocks.group_1.block_1.…`.
    /// - Throws: `ConfigurationError` naming what is missing or contradictory.
    public init(inferredFrom shapes: [String: [Int]]) throws {
        let tensors = TensorShapes(shapes, of: "DALL-E's encoder or decoder")
        func has(_ group: Int, _ block: Int) -> Bool {
            tensors.has("blocks.group_\(group).block_\(block).res_path.conv_1.w")
        }
        self.init()
        let input = try tensors.shape("blocks.input.w", rank: 4)
        let output = try tensors.shape("blocks.output.conv.w", rank: 4)
        groups = 1
        while has(groups + 1, 1) { groups += 1 }
        blocksPerGroup = 1
        while has(1, blocksPerGroup + 1) { blocksPerGroup += 1 }
        if input[2] > 1 {
            (width, channels, codeCount) = (input[0], input[1], output[0])
        } else {
            (firstWidth, codeCount) = (input[0], input[1])
            (width, channels) = (output[1], output[0] / 2)
        }
        try validate()
    }
}
