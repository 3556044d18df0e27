/// The numbers of a recorded text in their order, written as in Python: `1`, `.9`, `5e-4`.
func numbers(in text: String) -> [Double] {
    text.matches(of: #/-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/#).compactMap { Double($0.output) }
}

/// The number behind a word, 0.0005 behind `wd` in `lr .1 wd 5e-4`; nil where none is.
func number(behind word: String, in text: String) -> Double? {
    let words = text.split(separator: " ").map(String.init)
    guard let place = words.firstIndex(of: word), place + 1 < words.count else { return nil }
    return numbers(in: words[place + 1]).first
}
