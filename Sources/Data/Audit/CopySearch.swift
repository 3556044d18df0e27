/// Groups of copies among the pictures of an audit: exact ones, then those that look alike.
struct CopySearch {
    let parts: [AuditPart]
    let records: [PictureRecord]
    let options: AuditOptions

    /// Most members of a group that are named.
    private static let mostMembers = 8

    struct Result {
        /// The most harmful first: across parts, across classes, the largest.
        var groups: [CopyGroup] = []
        var exactCopies = 0
        var nearCopies = 0
        var groupsAcrossParts: [CopyGroup] = []
        var groupsAcrossClasses: [CopyGroup] = []
        var countAcrossParts = 0
        var countAcrossClasses = 0
        /// Candidates that were not compared for the sake of time.
        var unchecked = 0
    }

    func run() throws -> Result {
        let exact = try ExactCopies(parts: parts, records: records, threads: options.threads)
            .pairs()
        var exactSets = DisjointSets(records.count)
        for pair in exact { exactSets.join(pair.first, pair.copy) }
        let copies = Set(exact.map(\.copy))
        let near = try NearCopies(parts: parts, records: records, options: options)
            .find(among: records.indices.filter { !copies.contains($0) })
        var nearSets = DisjointSets(records.count)
        for pair in near.pairs { nearSets.join(Int(pair.first), Int(pair.second)) }

        var exactMembers: [Int: [Int]] = [:]
        for pair in exact {
            exactMembers[exactSets.first(pair.copy), default: []].append(pair.copy)
        }
        var nearMembers: [Int: Set<Int>] = [:]
        for pair in near.pairs {
            let first = nearSets.first(Int(pair.first))
            nearMembers[first, default: [first]].formUnion([Int(pair.first), Int(pair.second)])
        }
        var result = Result(unchecked: near.unchecked)
        result.exactCopies = copies.count
        result.nearCopies = nearMembers.values.reduce(0) { $0 + $1.count - 1 }
        var groups: [(first: Int, group: CopyGroup)] = exactMembers.map { first, others in
            (first, group(.exact, [first] + others))
        }
        groups += nearMembers.map { first, members in
            // An exact copy of a member may be the one that has another label.
            (first, group(.near, members.flatMap { [$0] + (exactMembers[$0] ?? []) }.sorted()))
        }
        groups.sort { a, b in
            a.group.rank != b.group.rank ? a.group.rank > b.group.rank : a.first < b.first
        }
        let all = groups.map(\.group)
        result.groups = Array(all.prefix(options.groups))
        let acrossParts = all.filter(\.crossesParts)
        let acrossClasses = all.filter(\.crossesClasses)
        (result.countAcrossParts, result.countAcrossClasses) =
            (acrossParts.count, acrossClasses.count)
        result.groupsAcrossParts = Array(acrossParts.prefix(options.examples))
        result.groupsAcrossClasses = Array(acrossClasses.prefix(options.examples))
        return result
    }

    private func group(_ likeness: CopyGroup.Likeness, _ members: [Int]) -> CopyGroup {
        let items = members.map { records[$0].item }
        let labels = Set(items.map { label(of: $0) ?? "" })
        return CopyGroup(
            likeness: likeness, count: members.count,
            members: items.prefix(Self.mostMembers).map { item in
                CopyGroup.Member(
                    name: parts[item.part].source.name(at: item.index),
                    part: parts[item.part].name, label: label(of: item), item: item)
            },
            crossesClasses: labels.count > 1, crossesParts: Set(items.map(\.part)).count > 1)
    }

    /// The name of a picture's class: parts may number their classes differently.
    private func label(of item: AuditItem) -> String? {
        let source = parts[item.part].source
        return source.label(at: item.index).map { source.classNames[$0] }
    }
}

extension CopyGroup {
    /// How much a group matters; more is worse.
    fileprivate var rank: Int {
        (crossesParts ? 1 << 41 : 0) + (crossesClasses ? 1 << 40 : 0) + count
    }
}
