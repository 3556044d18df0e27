import Foundation
public import Imaging

/// A picture in the page itself, as PNG.
public struct Picture: Sendable {
    let width: Int
    let height: Int
    let base64: String
    /// What a reader who cannot see it is told.
    let alternative: String
    /// Under the picture; nil for the name of its column.
    let caption: String?

    /// Encodes `image` (grey or RGB); throws `ImageError` for one without pixels.
    public init(_ image: ImageBuffer, alternative: String, caption: String? = nil) throws {
        self.caption = caption
        width = image.width
        height = image.height
        base64 = Data(try image.encodedPNG()).base64EncodedString()
        self.alternative = alternative
    }

    /// Small pictures show their pixels, large ones are scaled smoothly.
    var html: HTML {
        let look = HTML.when(max(width, height) <= 128, " class=\"pixels\"")
        return """
            <img\(look) width="\(width)" height="\(height)" alt="\(alternative)" \
            src="data:image/png;base64,\(HTML(markup: base64))">
            """
    }
}

/// Samples, each with a row of pictures: masked, reconstructed, original; or views; or attention.
public struct ImageGrid: ReportBlock {
    public struct Sample: Sendable {
        /// Below the row; empty for none.
        public var caption: String
        public var pictures: [Picture]

        public init(caption: String, pictures: [Picture]) {
            self.caption = caption
            self.pictures = pictures
        }
    }
    /// What the first, second, … picture of each sample is.
    public var columns: [String]
    public var samples: [Sample]
    public var legend: ColorLegend?

    public init(columns: [String], samples: [Sample], legend: ColorLegend? = nil) {
        self.columns = columns
        self.samples = samples
        self.legend = legend
    }

    /// Smaller pictures could not be seen.
    private static let mostInLine = 8

    public var html: HTML {
        let figures = samples.map { sample -> HTML in
            let cells = sample.pictures.enumerated().map { index, picture -> HTML in
                let name = picture.caption ?? (index < columns.count ? columns[index] : "")
                return "<div>\(picture.html)<span>\(name)</span></div>"
            }
            let row = cells.count > Self.mostInLine ? "row many" : "row"
            let caption: HTML = "<figcaption>\(sample.caption)</figcaption>"
            return """
                <figure class="sample"><div class="\(row)">\(cells)</div>\
                \(HTML.when(!sample.caption.isEmpty, caption))</figure>

                """
        }
        let most = samples.map(\.pictures.count).max() ?? 0
        let form =
            most > Self.mostInLine ? "samples whole" : most > 3 ? "samples wide" : "samples"
        return "\(legend?.html ?? "")<div class=\"\(form)\">\n\(figures)</div>\n"
    }
}

/// What the colours of heat maps mean.
public struct ColorLegend: ReportBlock {
    public var low: String
    public var high: String
    public var label: String

    public init(low: String, high: String, label: String) {
        self.low = low
        self.high = high
        self.label = label
    }

    public var html: HTML {
        """
        <p class="scale"><span>\(low)</span><i style="background:\(ColorMap.standard.gradient)"></i>\
        <span>\(high)</span> <span class="muted">\(label)</span></p>

        """
    }
}
