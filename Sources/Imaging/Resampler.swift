import CCodecs

/// Cuts out a rectangle and resizes it, bit for bit as Pillow's `crop` and `resize` do.
///
/// Two one-dimensional passes, each rounded to 8 bits; an axis that keeps its size is not
/// filtered. Pixels outside the rectangle are never seen. Weights and the picture between the
/// passes are kept for the next call, so one resampler serves one thread. Both are bounded: what
/// would be larger, of very tall or wide pictures, is made in parts.
public struct Resampler {
    private var horizontal: AxisWeights
    private var vertical: AxisWeights
    private var between = ImageBuffer()
    /// Bytes of the picture between the passes, unless the rectangle itself has more.
    private let mostBetween: Int
    private let instructions: Instructions

    public init() { self.init(mostBetween: 1 << 26, mostWeights: 1 << 22) }

    /// Which instructions of the machine are used; the result is the same.
    package enum Instructions: CaseIterable {
        case fastest
        /// Products of 16 bits where the machine has them, though it may have some of bytes.
        case productsOf16Bits
        case portable
    }

    /// With other bounds and instructions, for tests.
    package init(
        mostBetween: Int = 1 << 26, mostWeights: Int = 1 << 22,
        by instructions: Instructions = .fastest
    ) {
        self.mostBetween = mostBetween
        self.instructions = instructions
        horizontal = AxisWeights(most: mostWeights)
        vertical = AxisWeights(most: mostWeights)
    }

    /// Bytes that lie between the passes since the last call.
    package var bytesBetween: Int { between.byteCount }

    /// Resizes the pixels of `box` to `width` x `height` into `result`, whose memory is re-used.
    public mutating func resize(
        _ image: ImageBuffer, box: CropBox, width: Int, height: Int,
        interpolation: Interpolation, order: PassOrder = .horizontalFirst,
        into result: inout ImageBuffer
    ) {
        require(
            box.fits(image.size),
            "Resampler: \(box) does not lie in a picture of \(image.width)x\(image.height)")
        require(width > 0 && height > 0, "Resampler: impossible size \(width)x\(height)")
        resample(
            image, box, to: PixelSize(height: height, width: width),
            columns: SampledSpan(box.width), rows: SampledSpan(box.height), interpolation, order,
            into: &result)
    }

    /// Resizes the pixels of `box` without cutting them out: filters also see what lies around
    /// them, as with the `box` of Pillow's `resize`.
    public mutating func resize(
        _ image: ImageBuffer, within box: CropBox, width: Int, height: Int,
        interpolation: Interpolation, order: PassOrder = .horizontalFirst,
        into result: inout ImageBuffer
    ) {
        require(
            box.fits(image.size),
            "Resampler: \(box) does not lie in a picture of \(image.width)x\(image.height)")
        require(width > 0 && height > 0, "Resampler: impossible size \(width)x\(height)")
        resample(
            image, CropBox(of: image.size), to: PixelSize(height: height, width: width),
            columns: SampledSpan(start: Double(box.left), end: Double(box.left + box.width)),
            rows: SampledSpan(start: Double(box.top), end: Double(box.top + box.height)),
            interpolation, order, into: &result)
    }

    /// Resizes a rectangle of a picture of which a part is decoded, perhaps smaller than it is.
    ///
    /// Of a smaller picture the rectangle may begin within a pixel.
    ///
    /// - Parameters:
    ///   - window: what is decoded; it holds the rectangle.
    ///   - box: the rectangle, in pixels of the whole picture in its own size.
    ///   - size: of the result.
    ///   - interpolation: the filter.
    ///   - order: which axis comes first.
    ///   - seesBeyond: whether filters also see what lies around the rectangle; then the window must
    ///     hold the whole picture.
    ///   - result: where the pixels go; its memory is used again.
    public mutating func resize(
        _ window: PictureWindow, box: CropBox, to size: PixelSize, interpolation: Interpolation,
        order: PassOrder = .horizontalFirst, seesBeyond: Bool = false,
        into result: inout ImageBuffer
    ) {
        require(
            size.width > 0 && size.height > 0,
            "Resampler: impossible size \(size.width)x\(size.height)")
        var (pixels, columns, rows) = window.spans(box)
        if seesBeyond {
            let around = window.spans(CropBox(of: window.size)).box
            columns = columns.moved(by: pixels.left - around.left)
            rows = rows.moved(by: pixels.top - around.top)
            pixels = around
        }
        resample(
            window.pixels, pixels, to: size, columns: columns, rows: rows, interpolation, order,
            into: &result)
    }

    /// Spreads `size` outputs over part of the pixels of `box`; no filter sees beyond `box`.
    mutating func resample(
        _ image: ImageBuffer, _ box: CropBox, to size: PixelSize, columns: SampledSpan,
        rows: SampledSpan, _ interpolation: Interpolation, _ order: PassOrder,
        into result: inout ImageBuffer
    ) {
        let (width, height) = (size.width, size.height)
        result.reshape(width: width, height: height, channels: image.channels)
        let across = AxisPlan(
            inputs: box.width, span: columns, outputs: width, filter: interpolation)
        let down = AxisPlan(
            inputs: box.height, span: rows, outputs: height, filter: interpolation)
        switch (!across.isIdentity, !down.isIdentity) {
        case (false, false):
            copyPixels(image, box, into: &result)
        case (true, false):
            horizontal.resampleRows(of: image, box, across, 0..<width, into: &result, instructions)
        case (false, true):
            vertical.resampleColumns(of: image, box, down, into: &result)
        case (true, true) where order.startsVertically(from: box, to: width, height):
            // Less than the picture: this order is that of pictures whose height shrinks.
            between.reshape(width: box.width, height: height, channels: image.channels)
            vertical.resampleColumns(of: image, box, down, into: &between)
            horizontal.resampleRows(
                of: between, CropBox(of: between.size), across, 0..<width, into: &result,
                instructions)
        case (true, true):
            guard !resampleAtOnce(image, box, across, down, into: &result) else { return }
            // Columns do not depend on one another, so a few at a time give the same.
            let column = box.height * image.channels
            let step = max(mostBetween, box.width * column) / column
            for start in stride(from: 0, to: width, by: step) {
                let band = start..<min(start + step, width)
                between.reshape(width: band.count, height: box.height, channels: image.channels)
                horizontal.resampleRows(of: image, box, across, band, into: &between, instructions)
                vertical.resampleColumns(
                    of: between, CropBox(of: between.size), down, into: &result, from: start)
            }
        }
    }

    /// Both passes by the fastest code, if the picture and the machine are such that it can be used.
    private mutating func resampleAtOnce(
        _ image: ImageBuffer, _ box: CropBox, _ across: AxisPlan, _ down: AxisPlan,
        into result: inout ImageBuffer
    ) -> Bool {
        let (columns, rows) = (0..<across.outputs, 0..<down.outputs)
        guard instructions == .fastest, image.channels == 3,
            across.outputs * box.height * 3 <= mostBetween,
            horizontal.chunks(of: columns, across) == [columns],
            vertical.chunks(of: rows, down) == [rows]
        else { return false }
        horizontal.prepare(across, columns)
        vertical.prepare(down, rows)
        let stride = result.rowBytes
        return horizontal.withAxis { across in
            vertical.withAxis { down in
                image.withUnsafeBytes { source in
                    result.withUnsafeMutableBytes { target in
                        cc_resample_rgb(
                            image.start(of: box, in: source), image.rowBytes, Int32(box.height),
                            across, down, target.baseAddress, stride) != 0
                    }
                }
            }
        }
    }
}

extension AxisWeights {
    /// The horizontal pass over the rows of `box`, for the columns `band` of the result, which are
    /// those of `target`.
    mutating func resampleRows(
        of image: ImageBuffer, _ box: CropBox, _ plan: AxisPlan, _ band: Range<Int>,
        into target: inout ImageBuffer, _ instructions: Resampler.Instructions
    ) {
        let (stride, channels) = (target.rowBytes, image.channels)
        for columns in chunks(of: band, plan) {
            prepare(plan, columns)
            let offset = (columns.lowerBound - band.lowerBound) * channels
            withAxis { axis in
                image.withUnsafeBytes { source in
                    target.withUnsafeMutableBytes { target in
                        cc_resample_horizontal(
                            image.start(of: box, in: source), image.rowBytes,
                            target.baseAddress.map { $0 + offset }, stride, Int32(box.height),
                            Int32(channels), axis, instructions == .portable ? 1 : 0)
                    }
                }
            }
        }
    }

    /// The vertical pass over the columns of `box`, to those of `target` from column `first` on.
    mutating func resampleColumns(
        of image: ImageBuffer, _ box: CropBox, _ plan: AxisPlan, into target: inout ImageBuffer,
        from first: Int = 0
    ) {
        let (stride, channels) = (target.rowBytes, image.channels)
        for rows in chunks(of: 0..<plan.outputs, plan) {
            prepare(plan, rows)
            let offset = rows.lowerBound * stride + first * channels
            withAxis { axis in
                image.withUnsafeBytes { source in
                    target.withUnsafeMutableBytes { target in
                        cc_resample_vertical(
                            image.start(of: box, in: source), image.rowBytes,
                            target.baseAddress.map { $0 + offset }, stride, box.width * channels,
                            axis)
                    }
                }
            }
        }
    }
}

/// Copies the rows of `box`, which is as large as `result`.
private func copyPixels(_ image: ImageBuffer, _ box: CropBox, into result: inout ImageBuffer) {
    let row = result.rowBytes
    image.withUnsafeBytes { source in
        result.withUnsafeMutableBytes { target in
            guard let from = image.start(of: box, in: source), let to = target.baseAddress else {
                return
            }
            for y in 0..<box.height {
                (to + y * row).update(from: from + y * image.rowBytes, count: row)
            }
        }
    }
}

extension ImageBuffer {
    fileprivate func start(
        of box: CropBox, in pixels: UnsafeBufferPointer<UInt8>
    ) -> UnsafePointer<UInt8>? {
        pixels.baseAddress.map { $0 + (box.top * width + box.left) * channels }
    }

    /// The picture cut to `box` and resized; for one picture at a time.
    public func resized(
        _ box: CropBox? = nil, width: Int, height: Int, interpolation: Interpolation,
        order: PassOrder = .horizontalFirst
    ) -> ImageBuffer {
        var resampler = Resampler()
        var result = ImageBuffer()
        resampler.resize(
            self, box: box ?? CropBox(of: size), width: width, height: height,
            interpolation: interpolation, order: order, into: &result)
        return result
    }
}
