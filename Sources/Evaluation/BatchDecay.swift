/// Smaller batches to try where memory ran out: 1024, 768, 512, 384, … 3, 2, 1.
public enum BatchDecay {
    /// The largest size below `size` that is a power of two or three quarters of one; nil below 1.
    public static func next(after size: Int) -> Int? {
        guard size > 1 else { return nil }
        var power = 1
        while power * 2 < size { power *= 2 }
        let between = power + power / 2
        return between < size && between > power ? between : power
    }
}
