import Imaging
import Testing

/// Every kind of picture, pixel by pixel as other programs read it.
@Suite("Pictures of other programs") struct RecordedPictureTests {
    @Test("are there")
    func presence() {
        #expect(RecordedPicture.all.count == 107)
        for format in ImageFormat.allCases where format != .numpy {
            let count = RecordedPicture.all.count { picture in
                picture.bytes.withUnsafeBytes { ImageFormat.detect($0) } == format
            }
            #expect(count >= 5, "\(format)")
        }
    }

    @Test("have the same pixels", arguments: RecordedPicture.all)
    func pixels(picture: RecordedPicture) throws {
        let image = try picture.decoder.decode(picture.bytes, name: picture.name)
        #expect(image.size == picture.image.size && image.channels == picture.image.channels)
        #expect(largestDifference(image, picture.image) <= picture.facts.within ?? 0)
    }

    @Test("have headers that say so", arguments: RecordedPicture.all)
    func headers(picture: RecordedPicture) throws {
        let header = try picture.bytes.withUnsafeBytes {
            try picture.decoder.header($0, name: picture.name)
        }
        let (facts, image) = (picture.facts, picture.image)
        #expect(header.size == image.size && header.channels == image.channels)
        #expect(header.bitDepth == facts.bitDepth ?? 8)
        #expect(header.hasAlpha == facts.hasAlpha ?? false)
        #expect(header.isAnimated == facts.isAnimated ?? false)
        #expect(header.orientation == facts.orientation ?? 1)
    }

    @Test("of kinds that the libraries do not read are refused, with what to do")
    func unsupported() throws {
        for compression in [1, 4] {
            let file = HostileSizes.bmp(4, 4, bits: 8, compression: compression)
            let error = #expect(throws: ImageError.self) {
                try ImageDecoder().decode(file, name: "runs.bmp")
            }
            #expect(error?.kind == .unsupported)
            #expect(error?.description.contains("save it as") == true)
        }
    }

    @Test("are bad where they end early, and are kept if that is asked for")
    func truncation() throws {
        for picture in RecordedPicture.all {
            let whole = try picture.decoder.decode(picture.bytes, name: "whole")
            var lenient = picture.decoder
            lenient.acceptsTruncated = true
            var kinds: Set<ImageError.Kind> = []
            var kept = 0
            // Below 18 bytes a BMP is not known as one.
            for count in 18..<picture.bytes.count {
                let part = Array(picture.bytes.prefix(count))
                do {
                    let image = try picture.decoder.decode(part, name: "cut")
                    // What is missing is no pixel: an end mark, an EXIF block, another picture.
                    if picture.facts.orientation == nil, image != whole {
                        Issue.record("\(picture.name), \(count) bytes: another picture")
                    }
                } catch let error as ImageError {
                    kinds.insert(error.kind)
                }
                if (try? lenient.decode(part, name: "cut")) != nil { kept += 1 }
            }
            #expect(kinds.contains(.truncated), "\(picture.name): \(kinds)")
            #expect(kinds.isSubset(of: [.truncated, .corrupt]), "\(picture.name): \(kinds)")
            // Its directory is the last thing in the file.
            #expect(kept > 0 || picture.name == "tiff JPEG", "\(picture.name)")
        }
    }
}
