import Imaging
import Testing

@Suite("Crop, flip, channels") struct GeometryTests {
    @Test func everyCropEqualsAPixelLoop() {
        let image = noise(width: 5, height: 4, channels: 3)
        for top in -3...5 {
            for left in -3...6 {
                for (height, width) in [(1, 1), (3, 2), (7, 8)] {
                    let box = CropBox(top: top, left: left, height: height, width: width)
                    let crop = image.cropped(to: box)
                    for y in 0..<height {
                        for x in 0..<width {
                            let (row, column) = (y + top, x + left)
                            let inside = (0..<4).contains(row) && (0..<5).contains(column)
                            for c in 0..<3 {
                                #expect(crop[y, x, c] == (inside ? image[row, column, c] : 0))
                            }
                        }
                    }
                }
            }
        }
    }

    @Test(arguments: 1...6, [1, 3]) func aFlipMirrorsAndItsOwnInverse(width: Int, channels: Int) {
        let image = noise(width: width, height: 3, channels: channels)
        var flipped = image
        flipped.flipHorizontally()
        for y in 0..<3 {
            for x in 0..<width {
                for c in 0..<channels { #expect(flipped[y, x, c] == image[y, width - 1 - x, c]) }
            }
        }
        flipped.flipHorizontally()
        #expect(flipped == image)
    }

    @Test func centreOffsetsRoundHalfToEven() {
        func top(_ height: Int, _ want: Int) -> Int {
            CropBox(
                centering: PixelSize(height: want, width: 1),
                in: PixelSize(height: height, width: 1)
            ).top
        }
        #expect(top(7, 2) == 2)  // 2.5
        #expect(top(9, 2) == 4)  // 3.5
        #expect(top(8, 2) == 3)
        #expect(top(2, 5) == -1)  // one row of zeros above, two below
    }

    @Test func theLongSideIsCut() {
        let image = ImageBuffer(width: 61, height: 80, channels: 1)
        #expect(image.size.withShortSide(54) == PixelSize(height: 70, width: 54))
        let wide = ImageBuffer(width: 95, height: 40, channels: 1)
        #expect(wide.size.withShortSide(54) == PixelSize(height: 54, width: 128))
    }

    @Test func greyIsRepeatedAndColourBecomesLuma() {
        let grey = noise(width: 4, height: 3, channels: 1)
        let rgb = grey.converted(toChannels: 3)
        for y in 0..<3 {
            for x in 0..<4 { for c in 0..<3 { #expect(rgb[y, x, c] == grey[y, x]) } }
        }
        #expect(rgb.converted(toChannels: 1) == grey)
        let primaries = ImageBuffer(
            width: 4, height: 1, channels: 3,
            pixels: [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255])
        #expect(primaries.converted(toChannels: 1).pixels == [76, 150, 29, 255])
    }

    @Test func aReshapedBufferIsFilledAgain() {
        var buffer = ImageBuffer(width: 100, height: 100, channels: 3)
        let small = noise(width: 7, height: 3, channels: 1)
        small.crop(to: CropBox(of: small.size), into: &buffer)
        #expect(buffer == small)
        #expect(buffer.byteCount == 21)
    }
}
