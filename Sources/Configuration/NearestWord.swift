/// The word that the writer of `word` most likely meant; nil when none is close.
///
/// Letter case, `_` and `-` do not count, so `mask_ratio` finds `maskRatio`. Close means at most one
/// edit for every three letters (and at least one); of equally close words the first is taken.
package func nearest(_ word: String, in words: some Sequence<String>) -> String? {
    let plain = plainLetters(word)
    let limit = max(1, plain.count / 3)
    var best: (word: String, distance: Int)?
    for candidate in words {
        let letters = plainLetters(candidate)
        guard abs(letters.count - plain.count) <= limit else { continue }
        let distance = editDistance(plain, letters)
        if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.word
}

/// Damerau-Levenshtein distance in the optimal-string-alignment form.
///
/// It counts insertions, deletions, substitutions and swaps of neighbours; no part of the text is
/// edited twice. Time is the product of the lengths.
package func editDistance<Letter: Equatable>(_ a: [Letter], _ b: [Letter]) -> Int {
    if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in 1...a.count {
        var row = [i]
        row.reserveCapacity(b.count + 1)
        for j in 1...b.count {
            let substitution = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
            var cost = min(last[j] + 1, row[j - 1] + 1, substitution)
            if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                cost = min(cost, beforeLast[j - 2] + 1)
            }
            row.append(cost)
        }
        (beforeLast, last) = (last, row)
    }
    return last[b.count]
}

func plainLetters(_ word: String) -> [UInt8] {
    word.lowercased().utf8.filter { $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "-") }
}
