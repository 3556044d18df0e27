import Foundation
import Glibc
import Imaging

extension FaultCorpus {
    mutating func plantEmptyAndForeign() throws {
        try plant("empty.jpg", [], .bad(.truncated), "empty")
        try plant("empty.png", [], .bad(.truncated), "empty")
        try plant("text.jpg", Array("not found".utf8), .bad(.unknownFormat))
        try plant("page.png", Array("<!DOCTYPE html><title>404</title>".utf8), .bad(.unknownFormat))
        try plant("zeros.jpg", [UInt8](repeating: 0, count: 4096), .bad(.unknownFormat))
        try plant("two-bytes.jpg", [0xFF, 0xD8], .bad(.unknownFormat))
        try plant("signature.png", PNGWriter.signature, .bad(.truncated))
        try plant("notes.txt", Array("a label".utf8), .leftOut, "otherFile")
    }

    mutating func plantTruncated() throws {
        // Ten places, from within the header to a few bytes before the end.
        for tenth in 0..<10 {
            let whole = try picture().encodedJPEG()
            let end = max(4, whole.count * (tenth + 1) / 10 - 8)
            try plant("cut-\(tenth).jpg", Array(whole.prefix(end)), .bad(.truncated))
        }
        let progressive = try picture().encodedJPEG(progressive: true)
        try plant(
            "cut-progressive.jpg", Array(progressive.prefix(progressive.count / 2)),
            .bad(.truncated))
        let png = try picture().encodedPNG()
        try plant("cut.png", Array(png.prefix(png.count / 2)), .bad(.truncated))
        try plant("cut-in-header.png", Array(png.prefix(20)), .bad(.truncated))
    }

    mutating func plantBrokenJPEG() throws {
        let header = JPEGSurgery(try picture().encodedJPEG())
        // A segment longer than the file.
        try plant("header.jpg", header.with([0xFF, 0xFF], at: 4), .bad(.truncated))
        let huffman = JPEGSurgery(try picture().encodedJPEG())
        let table = huffman.place(of: 0xC4) ?? 0
        // More codes of one bit than there can be.
        try plant("huffman.jpg", huffman.with([9, 9, 9, 9], at: table + 5), .bad(.corrupt))
        let middle = JPEGSurgery(try picture().encodedJPEG())
        let place = (middle.scan + middle.bytes.count) / 2
        // Other codes, all of them valid: nothing tells that they are wrong.
        try plant(
            "middle.jpg", middle.with([0x5A, 0xA5, 0x33, 0xCC, 0x0F, 0xF0], at: place), .good)
        let marker = JPEGSurgery(try picture().encodedJPEG())
        let early = marker.scan + 20
        // An end in the middle: libjpeg fills the rest with grey and says so.
        try plant("marker.jpg", marker.with([0xFF, 0xD9], at: early), .good, "oddData")
        let noEnd = try picture().encodedJPEG()
        try plant("no-end.jpg", Array(noEnd.dropLast(2)), .bad(.truncated))
        let bomb = JPEGSurgery(try picture().encodedJPEG())
        try plant("bomb.jpg", bomb.claiming(width: 65500, height: 65500), .bad(.tooLarge))
        let nothing = JPEGSurgery(try picture().encodedJPEG())
        try plant("no-width.jpg", nothing.claiming(width: 0, height: 48), .bad(.corrupt))
        let scans = JPEGSurgery(try picture().encodedJPEG(progressive: true))
        try plant("scans.jpg", scans.repeatingLastScan(1000), .bad(.tooLarge))
        let deep = JPEGSurgery(try picture().encodedJPEG())
        try plant("12-bit.jpg", deep.with([12], at: deep.frame + 4), .bad(.unsupported))
        let hierarchical = JPEGSurgery(try picture().encodedJPEG())
        try plant(
            "hierarchical.jpg", hierarchical.with([0xC5], at: hierarchical.frame + 1),
            .bad(.unsupported))
    }

    mutating func plantUnusualJPEG() throws {
        try plant("grey.jpg", try picture(channels: 1).encodedJPEG(), .good, "grey")
        try plant("cmyk.jpg", try picture(channels: 4).encodedJPEG(), .good, "cmyk")
        let inks = JPEGSurgery(try picture(channels: 4).encodedJPEG())
        // Adobe's marker says how the four channels are coded: 2 is YCCK.
        let adobe = inks.place(of: 0xEE) ?? 0
        try plant("ycck.jpg", inks.with([2], at: adobe + 15), .good, "cmyk")
        try plant("progressive.jpg", try picture().encodedJPEG(progressive: true), .good)
        let upright = JPEGSurgery(try picture().encodedJPEG())
        try plant(
            "rotated.jpg", upright.inserting(0xE1, Self.exif(orientation: 6)), .good, "rotated")
        let wild = JPEGSurgery(try picture().encodedJPEG())
        let garbage = Array("Exif\0\0".utf8) + [UInt8](repeating: 0xFE, count: 64)
        try plant("wild-exif.jpg", wild.inserting(0xE1, garbage), .good)
        try plant(
            "trailing.jpg", try picture().encodedJPEG() + [UInt8](repeating: 7, count: 3000), .good)
        try plant("jpeg.png", try picture().encodedJPEG(), .good, "wrongEnding")
        try plant("png.jpg", try picture().encodedPNG(), .good, "wrongEnding")
    }

    /// An EXIF block with one entry.
    private static func exif(orientation: UInt8) -> [UInt8] {
        Array("Exif\0\0".utf8) + Array("MM".utf8) + [0, 42, 0, 0, 0, 8]  // big-endian, first IFD
            + [0, 1] + [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0] + [0, 0, 0, 0]
    }

    mutating func plantPNG() throws {
        var flipped = try picture().encodedPNG()
        flipped[flipped.count / 2] ^= 0x10
        try plant("checksum.png", flipped, .bad(.corrupt))
        var header = try picture().encodedPNG()
        header[18] ^= 1  // in the width: the checksum of IHDR tells
        try plant("header.png", header, .bad(.corrupt))
        let bomb = PNGWriter(width: 8, height: 8, claimed: (100_000, 100_000))
        try plant("bomb.png", bomb.file { row, _, _ in row }, .bad(.tooLarge))
        let negative = PNGWriter(width: 8, height: 8, claimed: (0xFFFF_FFFF, 8))
        try plant("negative.png", negative.file { row, _, _ in row }, .bad(.corrupt))
        let short = PNGWriter(width: 40, height: 40, claimed: (40, 60))
        try plant("short.png", short.file { row, column, _ in row * column }, .bad(.corrupt))

        let image = picture(width: 40, height: 40, channels: 4)
        func sample(_ row: Int, _ column: Int, _ channel: Int) -> Int {
            Int(image[row, column, channel])
        }
        var writer = PNGWriter(width: 40, height: 40, bitDepth: 16)
        try plant("deep.png", writer.file { sample(39 - $0, $1, $2) << 8 }, .good, "deep")
        writer = PNGWriter(width: 40, height: 40, colorType: .greyAlpha)
        try plant("grey-alpha.png", writer.file { sample($1, $0, $2) }, .good, "alpha", "grey")
        writer = PNGWriter(width: 40, height: 40, colorType: .rgba)
        try plant("alpha.png", writer.file { sample(39 - $1, $0, $2) }, .good, "alpha")
        writer = PNGWriter(width: 40, height: 40, isInterlaced: true)
        try plant("interlaced.png", writer.file { sample($0, 39 - $1, $2) }, .good)
        let colors = (0..<256 * 3).map { UInt8(truncatingIfNeeded: $0 / 3 * (1 + $0 % 3 * 2)) }
        writer = PNGWriter(
            width: 40, height: 40, colorType: .palette, palette: colors,
            transparency: [0, 128, 255])
        try plant("palette.png", writer.file { sample($0, $1, $2) }, .good, "palette", "alpha")
        writer = PNGWriter(
            width: 40, height: 40, colorType: .palette, palette: Array(colors.prefix(12)))
        try plant("palette-range.png", writer.file { row, column, _ in row * column }, .good)
    }

    mutating func plantSizes() throws {
        try plant(
            "thin.png", try picture(width: 10_000, height: 1).encodedPNG(), .good,
            "extremeAspect", "tiny")
        try plant(
            "tall.png", try picture(width: 1, height: 10_000).encodedPNG(), .good,
            "extremeAspect", "tiny")
        try plant("one.png", try picture(width: 1, height: 1).encodedPNG(), .good, "tiny")
        try plant(
            "black.jpg", try ImageBuffer(width: 50, height: 50, channels: 3).encodedJPEG(), .good,
            "singleColor")
        try plant(
            "large.jpg", try picture(width: 4100, height: 2950).encodedJPEG(quality: 50),
            .good, "huge")
    }

    /// Entries of folders that are no files, or cannot be opened.
    mutating func plantEntries() throws {
        let files = FileManager.default
        try files.createDirectory(
            atPath: "\(path)/faults/folder.jpg", withIntermediateDirectories: false)
        note("folder.jpg", .leftOut, ["pictureNamedFolder"])
        try files.createSymbolicLink(
            atPath: "\(path)/faults/dangling.jpg", withDestinationPath: "/nonexistent/a.jpg")
        note("dangling.jpg", .leftOut, ["brokenLink"])
        try files.createSymbolicLink(
            atPath: "\(path)/faults/loop.jpg", withDestinationPath: "loop.jpg")
        note("loop.jpg", .leftOut, ["brokenLink"])
        try files.createSymbolicLink(
            atPath: "\(path)/faults/up", withDestinationPath: "..")
        note("up", .leftOut, [])
        mkfifo("\(path)/faults/pipe.png", 0o644)
        note("pipe.png", .leftOut, ["specialFile"])
        try write("faults/locked.jpg", try picture().encodedJPEG())
        chmod("\(path)/faults/locked.jpg", 0)
        // Modes do not hold back the superuser.
        if geteuid() == 0 {
            note("locked.jpg", .good, [])
        } else {
            note("locked.jpg", .bad(.unreadable), [])
        }
    }

    /// Formats that are planted where they can be read.
    mutating func plantRecorded() throws {
        let readable = Set(ImageFormat.allCases.map(\.rawValue))
        if readable.contains("gif") {
            try plant("still.gif", RecordedPictures.gif, .good)
            try plant("animated.gif", RecordedPictures.animatedGIF, .good, "animated")
            try plant("cut.gif", Array(RecordedPictures.gif.prefix(300)), .bad(.truncated))
        }
        if readable.contains("webp") {
            try plant("still.webp", RecordedPictures.webp, .good)
            try plant("alpha.webp", RecordedPictures.webpAlpha, .good, "alpha")
            try plant("animated.webp", RecordedPictures.animatedWebP, .good, "animated")
            try plant("cut.webp", Array(RecordedPictures.webp.prefix(150)), .bad(.truncated))
        }
        if readable.contains("bmp") {
            try plant("still.bmp", RecordedPictures.bmp, .good)
            try plant("cut.bmp", Array(RecordedPictures.bmp.prefix(400)), .bad(.truncated))
        }
        if readable.contains("tiff") {
            try plant("still.tif", RecordedPictures.tiff, .good, "grey")
            var wild = RecordedPictures.tiff
            wild.replaceSubrange(4..<8, with: [0xF0, 0xFF, 0xFF, 0x7F])  // where the first IFD is
            try plant("wild.tif", wild, .bad(.truncated))
            try plant("loop.tif", Self.looped(RecordedPictures.tiff), .good)
        }
    }

    /// A little-endian TIFF whose first directory names itself as the next.
    private static func looped(_ tiff: [UInt8]) -> [UInt8] {
        let offset = Array(tiff[4..<8])
        let place = Int(offset[0]) + Int(offset[1]) << 8
        let entries = Int(tiff[place]) + Int(tiff[place + 1]) << 8
        var result = tiff
        result.replaceSubrange(place + 2 + 12 * entries..<place + 6 + 12 * entries, with: offset)
        return result
    }

    /// Copies of good pictures: the same bytes, and the same picture saved again.
    mutating func plantCopies() throws {
        let image = picture(width: 96, height: 80)
        try write("good/original.jpg", try image.encodedJPEG(quality: 95))
        try plant(
            "copy.jpg", try image.encodedJPEG(quality: 95), .good, "exactCopy", "acrossClasses")
        var resampler = Resampler()
        var small = ImageBuffer()
        resampler.resize(
            image, box: CropBox(of: image.size), width: 72, height: 60, interpolation: .bicubic,
            into: &small)
        try plant(
            "near.jpg", try small.encodedJPEG(quality: 60), .good, "nearCopy", "acrossClasses")
    }
}
