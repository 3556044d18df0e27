/// A named curve.
public struct Series: Sendable {
    public struct Point: Sendable, Equatable {
        public var x: Double
        /// Not finite where nothing could be measured: the curve has a gap there.
        public var y: Double

        public init(_ x: Double, _ y: Double) {
            self.x = x
            self.y = y
        }
    }
    public var name: String
    /// In order of x; points whose x is not finite are left out.
    public var points: [Point]
    /// 0 for none; else the weight of the past in an exponential average, such as 0.9.
    ///
    /// The measured curve stays visible, faintly, behind the smoothed one.
    public var smoothing: Double

    public init(name: String, points: [Point], smoothing: Double = 0) {
        self.name = name
        self.points = points.filter { $0.x.isFinite }
        self.smoothing = min(max(smoothing, 0), 0.9999)
    }

    /// One value a step, counted from `first`.
    public init(name: String, values: [Double], first: Int = 0, smoothing: Double = 0) {
        let points = values.enumerated().map { Point(Double(first + $0), $1) }
        self.init(name: name, points: points, smoothing: smoothing)
    }

    /// The exponential average without the pull of its start, gaps passed over.
    var smoothed: [Point] {
        var sum = 0.0
        var weight = 0.0
        return points.map { point in
            guard point.y.isFinite else { return point }
            sum = smoothing * sum + (1 - smoothing) * point.y
            weight = smoothing * weight + (1 - smoothing)
            return Point(point.x, sum / weight)
        }
    }

    /// At most about `count` points that draw the same curve: extremes of each stretch, and gaps.
    static func thinned(_ points: [Point], to count: Int) -> [Point] {
        guard points.count > count, count >= 4 else { return points }
        let stretch = (2 * points.count + count - 1) / count
        return stride(from: 0, to: points.count, by: stretch).flatMap { start -> [Point] in
            let end = min(start + stretch, points.count)
            let range = start..<end
            let finite = range.filter { points[$0].y.isFinite }
            guard let low = finite.min(by: { points[$0].y < points[$1].y }),
                let high = finite.max(by: { points[$0].y < points[$1].y })
            else { return [points[start]] }
            var chosen: Set = [low, high]
            // The ends of the run are kept, and a gap is not closed.
            if start == 0, points[0].y.isFinite { chosen.insert(0) }
            if end == points.count, points[end - 1].y.isFinite { chosen.insert(end - 1) }
            if let gap = range.first(where: { !points[$0].y.isFinite }) { chosen.insert(gap) }
            return chosen.sorted().map { points[$0] }
        }
    }
}
