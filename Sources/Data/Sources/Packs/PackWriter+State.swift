import Foundation
import TensorFiles

extension PackWriter {
    /// The pack as far as it is written: its index, and the shard that is open.
    struct State {
        var index: PackIndex
        var report = Report()
        /// The first place of the order that no whole shard has passed.
        private(set) var next = 0
        private let folder: String
        private let shardBytes: Int
        private var shard: TarWriter?

        /// Members are named by the place in the order, so that gaps tell what was left out.
        private static let keyDigits = 9

        /// Takes over the whole shards of an earlier packing.
        init(_ index: PackIndex, resuming folder: String, _ writer: PackWriter) throws {
            self.index = index
            self.folder = folder
            shardBytes = writer.settings.shardBytes
            self.index.classNames = writer.source.classNames
            let order = writer.order
            while case let path = path(ofShard: self.index.shards.count),
                FileManager.default.fileExists(atPath: path)
            {
                try take(path, order, writer)
            }
            report.resumed = self.index.count
        }

        private func path(ofShard number: Int) -> String {
            "\(folder)/\(Self.name(ofShard: number))"
        }

        private static func name(ofShard number: Int) -> String {
            "pack-\(padded(number, 6)).tar"
        }

        private static func padded(_ number: Int, _ digits: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }

        /// Reads a shard again and adds what is in it to the index.
        private mutating func take(_ path: String, _ order: [Int], _ writer: PackWriter) throws {
            let found = try ShardIndex(reading: path, settlingSeconds: 0)
            func failure() -> DataError {
                DataError(
                    .malformed, path, "is not what an interrupted packing leaves",
                    remedy: "remove \(folder) and pack again")
            }
            guard found.fault == nil, found.count > 0 else { throw failure() }
            let file = try ReadableFile(path)
            beginShard(size: found.stamp.size)
            for sample in 0..<found.count {
                guard let place = Int(found.keys[sample]), place >= next, place < order.count else {
                    throw failure()
                }
                // What is missing in between could not be read, and cannot be now.
                for gap in next..<place { leaveOut(order[gap], of: writer) }
                let member = Int(found.firstMembers[sample])
                let bytes = try file.bytes(at: found.offsets[member], count: found.sizes[member])
                record(bytes, offset: found.offsets[member], order[place], writer)
                next = place + 1
            }
        }

        private mutating func leaveOut(_ picture: Int, of writer: PackWriter) {
            var encoder = PackEncoder(writer.settings)
            do {
                _ = try encoder.encode(picture, of: writer.source)
                leaveOut(picture, "could not be read by the packing that was interrupted", writer)
            } catch { leaveOut(picture, "\(error)", writer) }
        }

        private mutating func leaveOut(_ picture: Int, _ reason: String, _ writer: PackWriter) {
            report.leftOut.append(LeftOut(name: writer.source.name(at: picture), reason: reason))
        }

        /// Appends a picture, to the next shard if it no longer fits into this one.
        mutating func append(
            _ encoded: Encoded, position: Int, picture: Int, _ writer: PackWriter
        ) throws {
            let (bytes, ending): ([UInt8], String)
            do {
                (bytes, ending) = try encoded.get()
            } catch {
                leaveOut(picture, "\(error)", writer)
                return
            }
            let label = writer.source.label(at: picture).map { Array("\($0)".utf8) }
            let size = TarWriter.size(of: [bytes.count] + (label.map { [$0.count] } ?? []))
            if let open = shard, open.size + size > shardBytes { try close() }
            if shard == nil {
                shard = try TarWriter(path(ofShard: index.shards.count))
                beginShard(size: 0)
            }
            let key = Self.padded(position, Self.keyDigits)
            guard let offset = try shard?.append("\(key).\(ending)", bytes) else { return }
            if let label { _ = try shard?.append("\(key).cls", label) }
            record(bytes, offset: offset, picture, writer)
        }

        /// Finishes the open shard.
        mutating func close() throws {
            guard var open = shard else { return }
            try open.finish()
            shard = nil
            index.shards[index.shards.count - 1].size = open.size
        }

        private mutating func beginShard(size: Int) {
            index.shards.append(
                .init(
                    name: Self.name(ofShard: index.shards.count), size: size, first: index.count))
            report.shards += 1
        }

        private mutating func record(
            _ bytes: [UInt8], offset: Int, _ picture: Int, _ writer: PackWriter
        ) {
            var sum = Checksum()
            bytes.withUnsafeBytes { sum.update($0) }
            index.names.append(writer.storedName(picture).utf8)
            index.offsets.append(offset)
            index.sizes.append(bytes.count)
            index.labels.append(Int32(writer.source.label(at: picture) ?? -1))
            index.checksums.append(sum.value)
            report.pictures += 1
        }
    }
}
