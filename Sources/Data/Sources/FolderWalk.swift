import Foundation
import Imaging
import Synchronization

/// Lists a folder tree with several threads, and what did not change takes from an earlier index.
///
/// Folders go through one queue; what comes out does not depend on the threads.
struct FolderWalk {
    let root: String
    let options: SourceOptions
    /// What an earlier walk found.
    let earlier: FolderIndex?

    /// Whether the earlier index holds for every folder; no folder is listed for that.
    func earlierHolds() -> Bool {
        guard let earlier else { return false }
        let count = earlier.folders.count
        let pieces = min(options.threads, count)
        let changed = Atomic<Bool>(false)
        DispatchQueue.concurrentPerform(iterations: pieces) { piece in
            for folder in count * piece / pieces..<count * (piece + 1) / pieces {
                if changed.load(ordering: .relaxed) { return }
                if !holds(folder, of: earlier) { changed.store(true, ordering: .relaxed) }
            }
        }
        return !changed.load(ordering: .relaxed)
    }

    private func holds(_ folder: Int, of earlier: FolderIndex) -> Bool {
        earlier.isSettled[folder]
            && EntryStamp(folder: path(earlier.folders[folder])) == earlier.stamps[folder]
    }

    private func path(_ relative: String) -> String {
        relative.isEmpty ? root : "\(root)/\(relative)"
    }

    // MARK: - Listing

    private struct Node {
        let path: String
        let parent: Int
        var listing: FolderListing?
        /// Its folders are the nodes from here on, as many as the listing names.
        var firstChild = 0
    }

    private struct State {
        var nodes: [Node]
        /// The first folder that nobody took.
        var next = 0
        var working = 0
        var done = 0
        var pictures = 0
        var failure: (any Error)?
    }

    /// The listing of every folder.
    func run() throws -> FolderIndex {
        let queue = Monitor(State(nodes: [Node(path: "", parent: -1)]))
        let known = earlier.map(Known.init)
        let threads = try (0..<max(1, options.threads)).map { _ in
            try WorkerThread { work(queue, known) }
        }
        for thread in threads { thread.join() }
        return try queue.withLock { state in
            if let failure = state.failure { throw failure }
            return Self.index(&state.nodes)
        }
    }

    private func work(_ queue: Monitor<State>, _ known: Known?) {
        while let number = take(queue) {
            let (path, identities) = queue.withLock { state in
                (state.nodes[number].path, Self.identities(above: number, state.nodes))
            }
            let listing = Result { try list(path, known) }
            let progress: IndexProgress? = queue.change { state in
                state.working -= 1
                switch listing {
                case .failure(let error):
                    state.failure = state.failure ?? error
                    return nil
                case .success(var listing):
                    // A link back up: the folder has been seen, and would be for ever.
                    let isLoop = identities.contains(listing.identity)
                    if isLoop {
                        (listing.pictures, listing.folders) = (PathList(), PathList())
                        listing.isSettled = false
                    }
                    state.nodes[number].firstChild = state.nodes.count
                    state.nodes[number].listing = listing
                    for child in 0..<listing.folders.count {
                        let name = listing.folders[child]
                        state.nodes.append(
                            Node(path: path.isEmpty ? name : "\(path)/\(name)", parent: number))
                    }
                    state.done += 1
                    state.pictures += listing.pictures.count
                    return state.done % 1000 == 0 || state.done == state.nodes.count
                        ? IndexProgress(
                            done: state.done, known: state.nodes.count, pictures: state.pictures)
                        : nil
                }
            }
            if let progress { options.progress?(progress) }
        }
    }

    /// The number of a folder to list; nil when all are listed or one failed.
    private func take(_ queue: Monitor<State>) -> Int? {
        queue.wait { state -> Int?? in
            if state.failure != nil { return .some(nil) }
            if state.next < state.nodes.count {
                state.next += 1
                state.working += 1
                return state.next - 1
            }
            return state.working == 0 ? .some(nil) : nil
        }
    }

    private static func identities(above number: Int, _ nodes: [Node]) -> [[UInt64]] {
        var found: [[UInt64]] = []
        var parent = nodes[number].parent
        while parent >= 0 {
            if let identity = nodes[parent].listing?.identity { found.append(identity) }
            parent = nodes[parent].parent
        }
        return found
    }

    private func list(_ relative: String, _ known: Known?) throws -> FolderListing {
        if let known, let folder = known.numbers[relative], holds(folder, of: known.index),
            let status = FileStatus(path(relative))
        {
            return FolderListing(
                known.index, folder: folder, children: known.children[folder],
                identity: status.identity)
        }
        return try FolderListing(path(relative), settlingSeconds: options.settlingSeconds)
    }

    /// An earlier index, by path.
    private struct Known {
        let index: FolderIndex
        var numbers: [String: Int] = [:]
        var children: [[Int]]

        init(_ index: FolderIndex) {
            self.index = index
            children = Array(repeating: [], count: index.folders.count)
            for folder in 0..<index.folders.count {
                numbers[index.folders[folder]] = folder
                if folder > 0 { children[Int(index.parents[folder])].append(folder) }
            }
        }
    }

    /// The nodes in the order of the pictures.
    private static func index(_ nodes: inout [Node]) -> FolderIndex {
        var index = FolderIndex()
        // Folders still to come, the next one last, each with its parent's place in the index.
        var stack = [(node: 0, parent: -1)]
        while let (number, parent) = stack.popLast() {
            guard let listing = nodes[number].listing else { continue }
            nodes[number].listing = nil
            let place = index.folders.count
            index.append(nodes[number].path, parent: parent, listing)
            let first = nodes[number].firstChild
            for child in (first..<first + listing.folders.count).reversed() {
                stack.append((child, place))
            }
        }
        return index
    }
}
