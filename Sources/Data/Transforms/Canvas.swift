public import Imaging

/// The picture on its way through the steps, in memory that a thread uses again and again.
///
/// At first it stands for a stored picture, of which perhaps only a part is decoded, or a smaller
/// picture in its place; the first step that changes pixels works on that, all later ones on memory
/// of the canvas. A flip is put off as long as possible: the last one is made by the writing of the
/// result, which costs nothing.
public struct Canvas {
    /// Size of the picture as the next step sees it.
    public private(set) var size: PixelSize = 0
    public let passOrder: PassOrder
    /// What the result will have: 1 (grey) or 3 (RGB); a grey picture stays so until it is written.
    public let wantedChannels: Int
    /// What is filled after the normalisation.
    private(set) var erasure: Erasure?
    private var resampler = Resampler()
    /// The stored picture until a step changes it: shared with other views, never written to.
    private var stored: PictureWindow?
    private var image = ImageBuffer()
    private var spare = ImageBuffer()
    private(set) var isFlipped = false

    init(passOrder: PassOrder, channels: Int) {
        (self.passOrder, wantedChannels) = (passOrder, channels)
    }

    public var channels: Int { stored?.pixels.channels ?? image.channels }

    // MARK: What steps do

    /// Mirrors left and right.
    public mutating func flip() { isFlipped.toggle() }

    /// Cuts out a rectangle within the picture and resizes it.
    ///
    /// - Throws: `ImageError` if that would make a huge picture between the passes.
    public mutating func resample(
        _ box: CropBox, to size: PixelSize, _ interpolation: Interpolation
    ) throws {
        try expectModest(rows: box.height, columns: size.width)
        replace { source, window, canvas in
            canvas.resampler.resize(
                window ?? PictureWindow(source), box: box, to: size, interpolation: interpolation,
                order: canvas.passOrder, into: &canvas.spare)
        }
    }

    /// Resizes a rectangle within the picture; filters also see what lies around it.
    ///
    /// - Throws: `ImageError` if that would make a huge picture between the passes.
    public mutating func resample(
        within box: CropBox, to size: PixelSize, _ interpolation: Interpolation
    ) throws {
        try expectModest(rows: self.size.height, columns: size.width)
        replace { source, window, canvas in
            canvas.resampler.resize(
                window ?? PictureWindow(source), box: box, to: size, interpolation: interpolation,
                order: canvas.passOrder, seesBeyond: true, into: &canvas.spare)
        }
    }

    /// Cuts out a rectangle; what lies beyond the picture is 0.
    public mutating func crop(to box: CropBox) {
        replace { source, window, canvas in
            source.crop(to: window.map { $0.located(box) } ?? box, into: &canvas.spare)
        }
    }

    /// Changes pixels in place, or the picture altogether.
    public mutating func edit(_ body: (inout ImageBuffer) throws -> Void) rethrows {
        settle()
        try body(&image)
        size = image.size
    }

    /// Changes pixels in place by something that makes no difference between left and right: a flip
    /// that was put off stays so.
    public mutating func recolor(_ body: (inout ImageBuffer) throws -> Void) rethrows {
        takeStored()
        try body(&image)
    }

    /// Leaves rectangles of the result to be filled after the normalisation.
    mutating func erase(_ erasure: Erasure) { self.erasure = erasure }

    /// A grey picture becomes RGB if the result will be.
    public mutating func makeColored() {
        let wanted = wantedChannels
        guard wanted > channels else { return }
        recolor { $0 = $0.converted(toChannels: wanted) }
    }

    /// Fills a second buffer, which then is the picture.
    public mutating func replace(
        _ body: (_ picture: ImageBuffer, _ result: inout ImageBuffer) throws -> Void
    ) rethrows {
        try replace { source, _, canvas in try body(source, &canvas.spare) }
    }

    /// Colour becomes its luma; a partly decoded picture stays so.
    mutating func makeGrey() {
        if let stored, stored.pixels.channels > 1 {
            self.stored = stored.mapping { $0.converted(toChannels: 1) }
        } else if image.channels > 1 {
            edit { $0 = $0.converted(toChannels: 1) }
        }
    }

    // MARK: Before and after the steps

    /// Begins with a stored picture; it is let go by the first step that changes it, or by `finish`.
    mutating func begin(_ picture: PictureWindow) {
        stored = picture
        size = picture.size
        isFlipped = false
        erasure = nil
    }

    /// Hands out the result, perhaps still to be flipped.
    mutating func finish<Result>(
        _ body: (_ picture: ImageBuffer, _ isFlipped: Bool) throws -> Result
    ) rethrows -> Result {
        let picture = stored?.wholePixels ?? image
        stored = nil
        return try body(picture, isFlipped)
    }

    /// Rows are resampled first, all of them: of a picture of 1 x 178,000,000 pixels that would make
    /// hundreds of gigabytes.
    private func expectModest(rows: Int, columns: Int) throws {
        let (pixels, overflow) = rows.multipliedReportingOverflow(by: columns)
        guard !overflow, pixels <= ImageLimits().maxPixels else {
            throw ImageError(
                .tooLarge, name: "a picture of \(size.width)x\(size.height) pixels",
                reason: "would have \(columns)x\(rows) when its rows are resized",
                advice: "cut it into pieces or take it out")
        }
    }

    /// Makes the flip that was put off, in memory of the canvas.
    private mutating func settle() {
        takeStored()
        if isFlipped { image.flipHorizontally() }
        isFlipped = false
    }

    private mutating func takeStored() {
        if let stored { image = stored.wholePixels }
        stored = nil
    }

    private mutating func replace(
        _ body: (ImageBuffer, PictureWindow?, inout Canvas) throws -> Void
    ) rethrows {
        if isFlipped { settle() }
        let window = stored
        stored = nil
        if let window {
            try body(window.pixels, window, &self)
            swap(&image, &spare)
        } else {
            // Moved out for the call, so that the canvas can be changed and nothing is copied.
            let source = image
            image = ImageBuffer()
            try body(source, nil, &self)
            image = spare
            spare = source
        }
        size = image.size
    }
}
