import Imaging

/// Finds pictures that look alike, without comparing each with each.
///
/// Candidates are pictures whose hashes differ in at most 6 of 64 bits. Of four bands of 16 bits
/// one then differs in at most one bit, so each picture is compared only with those that share a
/// band up to one bit (Norouzi et al., *Fast Search in Hamming Space with Multi-Index Hashing*,
/// 2012). Candidates are read again; a correlation of their 32 × 32 thumbnails of at least 0.995
/// makes them near copies. That leaves room for another quality, size or brightness, not for two
/// plain shirts of one cut.
struct NearCopies {
    static let mostBits = 6
    static let leastCorrelation = 0.995
    /// Candidates of one picture, the closest first; a chain of them joins larger groups.
    private static let mostPerPicture = 8
    /// Pictures that share a band and are looked at, for one picture and one band.
    private static let mostPerBand = 4096
    /// Pairs that are read again, the closest first.
    static let mostPairs = 100_000

    let parts: [AuditPart]
    let records: [PictureRecord]
    let options: AuditOptions

    struct Pair: Sendable, Equatable {
        let first: Int32
        let second: Int32
        let bits: UInt8
    }

    /// What was found, and how many candidates were left out for the sake of time.
    struct Result: Sendable {
        var pairs: [Pair] = []
        var unchecked = 0
    }

    /// Near copies among the pictures `numbers`, indices of `records` in rising order.
    func find(among numbers: [Int]) throws -> Result {
        var candidates = try candidates(numbers.filter { records[$0].hash != nil })
        candidates.sort { ($0.bits, $0.first, $0.second) < ($1.bits, $1.first, $1.second) }
        let unchecked = max(0, candidates.count - Self.mostPairs)
        candidates.removeLast(unchecked)
        // Neighbours in this order share a picture, which a thread then reads once.
        candidates.sort { ($0.first, $0.second) < ($1.first, $1.second) }
        return Result(pairs: try confirmed(candidates), unchecked: unchecked)
    }

    // MARK: Candidates

    /// For each band the pictures sorted by its 16 bits.
    private struct Band: Sendable {
        let starts: [Int32]
        let order: [Int32]

        init(_ number: Int, _ hashes: [UInt64]) {
            var counts = [Int32](repeating: 0, count: 1 << 16 + 1)
            for hash in hashes { counts[Band.key(hash, number) + 1] += 1 }
            for key in 1...1 << 16 { counts[key] += counts[key - 1] }
            starts = counts
            var order = [Int32](repeating: 0, count: hashes.count)
            for (index, hash) in hashes.enumerated() {
                let key = Band.key(hash, number)
                order[Int(counts[key])] = Int32(index)
                counts[key] += 1
            }
            self.order = order
        }

        static func key(_ hash: UInt64, _ number: Int) -> Int {
            Int(hash >> UInt64(16 * number) & 0xFFFF)
        }
    }

    private func candidates(_ numbers: [Int]) throws -> [Pair] {
        let hashes = numbers.map { records[$0].hash ?? 0 }
        let bands = (0..<4).map { Band($0, hashes) }
        return try Chunks.onThreads(options.threads, count: hashes.count, length: 256) { chunks in
            var pairs: [Pair] = []
            var range: Range<Int>?
            while let next = chunks.next(after: range) {
                for index in next {
                    for (other, bits) in Self.alike(index, hashes, bands) {
                        pairs.append(
                            Pair(
                                first: Int32(numbers[index]), second: Int32(numbers[other]),
                                bits: UInt8(bits)))
                    }
                }
                range = next
            }
            return pairs
        }.flatMap { $0 }
    }

    /// Later pictures whose hash is close, the closest first.
    private static func alike(
        _ index: Int, _ hashes: [UInt64], _ bands: [Band]
    ) -> [(other: Int, bits: Int)] {
        let hash = hashes[index]
        var found: [Int: Int] = [:]
        for (number, band) in bands.enumerated() {
            let key = Band.key(hash, number)
            var left = mostPerBand
            for flip in -1..<16 {
                let near = flip < 0 ? key : key ^ 1 << flip
                for place in band.starts[near]..<band.starts[near + 1] {
                    let other = Int(band.order[Int(place)])
                    guard other > index else { continue }
                    let bits = (hash ^ hashes[other]).nonzeroBitCount
                    if bits <= mostBits { found[other] = bits }
                    left -= 1
                    if left == 0 { break }
                }
                if left == 0 { break }
            }
        }
        let closest = found.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
        return closest.prefix(mostPerPicture).map { ($0.key, $0.value) }
    }

    // MARK: Confirmation

    private func confirmed(_ candidates: [Pair]) throws -> [Pair] {
        let found = try Chunks.onThreads(options.threads, count: candidates.count, length: 16) {
            chunks in
            var thumbnails = ThumbnailReader(parts: parts, decoder: options.decoder)
            var pairs: [Pair] = []
            var range: Range<Int>?
            while let next = chunks.next(after: range) {
                for pair in candidates[next] {
                    let first = thumbnails.read(records[Int(pair.first)].item)
                    let second = thumbnails.read(records[Int(pair.second)].item)
                    guard let first, let second,
                        PerceptualHash.correlation(first, second) >= Self.leastCorrelation
                    else { continue }
                    pairs.append(pair)
                }
                range = next
            }
            return pairs
        }
        return found.joined().sorted { ($0.first, $0.second) < ($1.first, $1.second) }
    }
}

/// Reads pictures again for their thumbnails; the last few are at hand.
private struct ThumbnailReader {
    private let parts: [AuditPart]
    private var picture = StoredPicture()
    private var hash = PerceptualHash()
    private var recent: [(item: AuditItem, thumbnail: [UInt8]?)] = []
    private let decoder: ImageDecoder

    init(parts: [AuditPart], decoder: ImageDecoder) {
        (self.parts, self.decoder) = (parts, decoder)
    }

    mutating func read(_ item: AuditItem) -> [UInt8]? {
        if let known = recent.first(where: { $0.item == item }) { return known.thumbnail }
        let source = parts[item.part].source
        var thumbnail: [UInt8]?
        do {
            try source.load(item.index, into: &picture)
            try picture.decode(decoder, name: source.name(at: item.index))
            thumbnail = hash.thumbnail(picture.pixels)
        } catch {
            thumbnail = nil  // vanished since it was read first
        }
        recent.append((item, thumbnail))
        if recent.count > 32 { recent.removeFirst() }
        return thumbnail
    }
}
