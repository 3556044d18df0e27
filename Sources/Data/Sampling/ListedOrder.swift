/// The same keys in the same order in every epoch.
public struct ListedOrder: EpochOrder {
    public let keys: [Int]

    public init(_ keys: [Int]) { self.keys = keys }

    public var length: Int { keys.count }

    public func keys(epoch: Int, seed: UInt64) -> [Int] { keys }
}
