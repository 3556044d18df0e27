import Configuration
import Testing

@Suite("Nearest word") struct NearestWordTests {
    @Test("suggestions")
    func suggestions() {
        let words = ["lr", "betas", "clip", "maskRatio", "epochs"]
        #expect(nearest("lrr", in: words) == "lr")
        #expect(nearest("beats", in: words) == "betas")
        #expect(nearest("mask_ratio", in: words) == "maskRatio")
        #expect(nearest("MaskRation", in: words) == "maskRatio")
        #expect(nearest("epoch", in: words) == "epochs")
        #expect(nearest("momentum", in: words) == nil)
        #expect(nearest("", in: words) == nil)
        #expect(nearest("x", in: []) == nil)
    }

    @Test("distances on all pairs of short words")
    func distances() {
        #expect(editDistance(Array("kitten"), Array("sitting")) == 3)
        #expect(editDistance(Array("ca"), Array("ac")) == 1)
        let letters: [[Character]] = (0..<40).map { n in
            (0..<(n % 4)).map { i in (n >> (i + 1)) & 1 == 0 ? "a" : "b" }
        }
        for a in letters {
            for b in letters {
                let distance = editDistance(a, b)
                #expect(distance == editDistance(b, a))
                #expect((distance == 0) == (a == b))
                #expect(distance >= abs(a.count - b.count) && distance <= max(a.count, b.count))
            }
        }
    }
}
