import Imaging

/// One thread of an audit: reads a picture, decodes it, notes what is to be said of it.
struct AuditWorker {
    private let parts: [AuditPart]
    private let options: AuditOptions
    private let strict: ImageDecoder
    private var picture = StoredPicture()
    private var hash = PerceptualHash()
    private(set) var tally: AuditTally

    init(_ parts: [AuditPart], _ options: AuditOptions) {
        (self.parts, self.options) = (parts, options)
        var decoder = options.decoder
        decoder.acceptsTruncated = false
        strict = decoder
        tally = AuditTally(mostExamples: options.examples)
    }

    /// Looks at a picture; never throws and never stops.
    mutating func examine(_ item: AuditItem) {
        let source = parts[item.part].source
        let name = source.name(at: item.index)
        let start = ContinuousClock.now
        do {
            try source.load(item.index, into: &picture)
            let loaded = ContinuousClock.now
            tally.readSeconds += (loaded - start).seconds
            let isFile = picture.form == .encoded
            guard !isFile || picture.byteCount > 0 else {
                return tally.note(.empty, item, "0 bytes")
            }
            if isFile { noteEnding(item, name) }
            let checksum = picture.checksum
            let stored = isFile ? picture.byteCount : picture.pixels.byteCount
            let decoding = ContinuousClock.now
            try decode(item, name)
            tally.decodeSeconds += (ContinuousClock.now - decoding).seconds
            tally.storedBytes += stored
            describe(item, checksum: checksum, byteCount: stored)
        } catch let error as ImageError {
            tally.note(FindingKind(error.kind), item, error.reason)
        } catch let error as DataError {
            tally.note(.unreadable, item, error.problem)
        } catch {
            tally.note(.unreadable, item, "\(error)")
        }
    }

    private mutating func decode(_ item: AuditItem, _ name: String) throws {
        guard picture.form == .encoded else { return tally.count("raw pixels") }
        let header = try picture.withEncodedBytes { try strict.header($0, name: name) }
        tally.count(header.format.rawValue)
        noteHeader(header, item)
        do {
            let warning = try picture.decode(strict, name: name)
            if let warning { tally.note(.oddData, item, warning) }
        } catch let error as ImageError where error.kind == .truncated {
            guard options.decoder.acceptsTruncated else { throw error }
            try picture.decode(options.decoder, name: name)
            tally.note(.truncatedKept, item, error.reason)
        }
    }

    /// A file is read by what it holds; its ending is for people and other programs.
    private mutating func noteEnding(_ item: AuditItem, _ name: String) {
        let format = picture.withEncodedBytes { ImageFormat.detect($0) }
        guard let format, let dot = name.lastIndex(of: ".") else { return }
        let ending = name[name.index(after: dot)...].lowercased()
        guard let expected = format.endings, !expected.contains(ending) else { return }
        tally.note(.wrongEnding, item, "holds \(format.rawValue.uppercased())")
    }

    private mutating func noteHeader(_ header: ImageHeader, _ item: AuditItem) {
        let facts: [(FindingKind, Bool, String)] = [
            (.grey, header.channels == 1, ""),
            (.cmyk, [.cmyk, .ycck].contains(header.colorModel), header.colorModel.rawValue),
            (.deep, header.bitDepth > 8, "\(header.bitDepth) bits"),
            (.alpha, header.hasAlpha, ""),
            (.palette, header.colorModel == .palette, ""),
            (.rotated, header.orientation != 1, "orientation \(header.orientation)"),
            (.animated, header.isAnimated, ""),
        ]
        for (kind, holds, detail) in facts where holds { tally.note(kind, item, detail) }
    }

    /// What the pixels say.
    private mutating func describe(_ item: AuditItem, checksum: UInt32, byteCount: Int) {
        let image = picture.pixels
        let (width, height) = (image.width, image.height)
        let (short, long) = (min(width, height), max(width, height))
        let size = "\(width)×\(height)"
        if short < options.tinySide { tally.note(.tiny, item, size) }
        if width * height > options.hugePixels { tally.note(.huge, item, size) }
        if Double(long) > options.extremeAspect * Double(short) {
            tally.note(.extremeAspect, item, size)
        }
        tally.decodedPixels += width * height
        let moments = ChannelMoments(image)
        if let moments { tally.channels.add(moments) }
        // A JPEG of one colour is off by a level here and there.
        let isSingleColor = moments.map { $0.spread < 1 } ?? false
        if isSingleColor { tally.note(.singleColor, item, size) }
        let thumbnail = isSingleColor ? nil : hash.thumbnail(image)
        tally.keep(
            PictureRecord(
                item: item, checksum: checksum, byteCount: byteCount, width: Int32(clamping: width),
                height: Int32(clamping: height), hash: thumbnail.flatMap(PerceptualHash.hash)))
    }
}
