import Foundation

extension ShardIndex {
    /// Reads the headers of an archive, and its labels.
    ///
    /// An archive that is cut or damaged gives the samples before that, and a `fault`.
    ///
    /// - Throws: `DataError` if the file cannot be read, or is compressed as a whole.
    init(reading path: String, settlingSeconds: Double) throws {
        let file = try ReadableFile(path)
        self.path = path
        stamp = file.stamp
        isSettled = file.stamp.isSettled(at: EntryStamp.now, seconds: settlingSeconds)
        if try file.bytes(at: 0, count: min(2, file.size)) == [0x1F, 0x8B] {
            throw DataError(
                .malformed, path, "is compressed, so its pictures cannot be reached one by one",
                remedy: "unpack it with gunzip: pictures are compressed already")
        }
        var reader = TarReader(file)
        var builder = Builder()
        while let member = try reader.next() {
            guard let name = SampleName(member.name) else { continue }
            if name.key != builder.sample.key {
                builder.finish(&self)
                builder.sample = Builder.Sample(key: name.key)
            }
            try builder.add(member, ending: name.ending, &reader)
        }
        sparse = reader.sparseCount
        switch reader.ending {
        case .cut(let place, let name):
            builder.sample.isCut = name.flatMap(SampleName.init)?.key == builder.sample.key
            fault = "is cut off at byte \(file.size), in a member that starts at byte \(place)"
        case .damaged(let place, let problem):
            fault = "\(problem) at byte \(place), and is not read from there on"
        case .unmarked where !builder.sample.members.isEmpty:
            fault = "has no mark at its end and may be cut off"
        default: break
        }
        // The label of the last sample may have been behind the place where the archive was cut.
        if fault != nil, !labelTexts.isEmpty, builder.sample.text == nil {
            builder.sample.isCut = true
        }
        builder.finish(&self)
    }

    /// Key and ending of a member.
    struct SampleName: Equatable {
        let key: String
        let ending: String

        /// nil for names that no sample has: hidden files, and those without an ending.
        init?(_ name: String) {
            let bytes = name.utf8
            let base = bytes.lastIndex(of: UInt8(ascii: "/")).map { bytes.index(after: $0) }
            let start = base ?? bytes.startIndex
            guard let dot = bytes[start...].firstIndex(of: UInt8(ascii: ".")), dot > start else {
                return nil
            }
            key = String(name[..<dot].drop { $0 == "/" })
            ending = name[bytes.index(after: dot)...].lowercased()
            guard !ending.isEmpty, ending.utf8.count <= 64, key.utf8.count <= PathList.longest
            else { return nil }
        }
    }

    /// Collects the members of one sample after another.
    private struct Builder {
        struct Sample {
            var key = ""
            var members: [(ending: String, offset: Int, size: Int)] = []
            var label: String?
            /// Counts where no `.cls` is.
            var jsonLabel: String?
            var isCut = false

            var text: String? { label ?? jsonLabel }

            /// The member that is the picture.
            var picture: Int? {
                for ending in PictureEndings.all {
                    if let member = members.firstIndex(where: { $0.ending == ending }) {
                        return member
                    }
                }
                return nil
            }
        }

        var sample = Sample()
        private var endings: [String: UInt16] = [:]
        private var labels: [String: Int32] = [:]

        /// Labels and records beyond these sizes are none.
        private static let longestLabel = 200
        private static let largestJSON = 1 << 16
        private static let mostMembers = 1000
        private static let mostLabels = 1 << 22
        private static let mostEndings = 1000

        mutating func add(
            _ member: TarReader.Member, ending: String, _ reader: inout TarReader
        ) throws {
            if ending == "cls", member.size <= Self.longestLabel {
                let text = String(decoding: try reader.contents(of: member), as: UTF8.self)
                let label = text.trimmingCharacters(in: .whitespacesAndNewlines)
                if !label.isEmpty { sample.label = label }
            } else if ending == "json", sample.label == nil, member.size <= Self.largestJSON {
                sample.jsonLabel = Self.label(inJSON: try reader.contents(of: member))
            }
            guard sample.members.count < Self.mostMembers else { return }
            sample.members.append((ending, member.offset, member.size))
        }

        mutating func finish(_ shard: inout ShardIndex) {
            defer { sample = Sample() }
            guard !sample.members.isEmpty, !sample.isCut else { return }
            guard let picture = sample.picture else {
                shard.pictureless += 1
                return
            }
            sample.members.swapAt(0, picture)
            shard.keys.append(sample.key.utf8)
            shard.firstMembers.append(Int32(clamping: shard.offsets.count))
            for member in sample.members {
                guard let number = number(ofEnding: member.ending, &shard) else { continue }
                shard.memberEndings.append(number)
                shard.offsets.append(member.offset)
                shard.sizes.append(member.size)
            }
            shard.labels.append(number(ofLabel: sample.text, &shard))
        }

        private mutating func number(ofEnding text: String, _ shard: inout ShardIndex) -> UInt16? {
            if let number = endings[text] { return number }
            // The pictures' own endings always find a place.
            let isPicture = PictureEndings.all.contains(text)
            guard shard.endings.count < Self.mostEndings || isPicture else { return nil }
            let number = UInt16(shard.endings.count)
            endings[text] = number
            shard.endings.append(text)
            return number
        }

        private mutating func number(ofLabel text: String?, _ shard: inout ShardIndex) -> Int32 {
            guard let text else { return -1 }
            if let number = labels[text] { return number }
            guard shard.labelTexts.count < Self.mostLabels else { return -1 }
            let number = Int32(shard.labelTexts.count)
            labels[text] = number
            shard.labelTexts.append(text)
            return number
        }

        /// The entry `label`, `cls` or `class` of an object: a whole number or a text.
        private static func label(inJSON bytes: [UInt8]) -> String? {
            guard let object = try? JSONDecoder().decode(Labels.self, from: Data(bytes)) else {
                return nil
            }
            let label = object.label ?? object.cls ?? object.class
            return label.flatMap { $0.text.utf8.count <= longestLabel ? $0.text : nil }
        }

        private struct Labels: Decodable {
            var label: Label?
            var cls: Label?
            var `class`: Label?
        }

        private struct Label: Decodable {
            let text: String

            init(from decoder: any Decoder) throws {
                let value = try decoder.singleValueContainer()
                if let number = try? value.decode(Int.self) {
                    text = String(number)
                } else {
                    text = try value.decode(String.self)
                }
            }
        }
    }
}
