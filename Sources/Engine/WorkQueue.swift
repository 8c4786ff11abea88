import Foundation
import Synchronization

/// Keys of work in the order in which they came, each at most once: how workers take turns over workspaces.
///
/// A key that is added while its work is being done is handed out again once that turn has ended, so no nudge is lost and
/// what comes meanwhile gathers for one turn; one that is added twice before its turn is handed out once, so the queue is
/// bounded by the number of keys.
final class WorkQueue<Key: Hashable & Sendable>: Sendable {
    private struct State {
        var keys: [Key] = []
        var head = 0
        var known: Set<Key> = []
        /// How many turns of each key have not ended.
        var underWay: [Key: Int] = [:]
        /// Keys that were added while their work was being done.
        var again: Set<Key> = []
        var takers: [Taker] = []
        var isClosed = false
    }

    private struct Taker {
        let id: Int
        let continuation: CheckedContinuation<Turn?, Never>
    }

    /// A key that was handed out, from then until its end.
    final class Turn: Sendable {
        let key: Key
        private let queue: WorkQueue
        private let isOver = Atomic<Bool>(false)

        fileprivate init(_ key: Key, of queue: WorkQueue) {
            self.key = key
            self.queue = queue
        }

        /// Lets the next one have the key; what was added meanwhile stands at the end of the queue now. Ends once.
        func end() {
            guard !isOver.exchange(true, ordering: .relaxed) else { return }
            queue.ended(key)
        }
    }

    private let state = Mutex(State())
    private let nextTaker = Atomic<Int>(0)

    /// Adds the key at the end, unless it waits already.
    /// - Parameter evenIfUnderWay: does not wait for the end of a turn with it.
    func add(_ key: Key, evenIfUnderWay: Bool = false) {
        let taker: Taker? = state.withLock { state in
            guard !state.isClosed else { return nil }
            if !evenIfUnderWay, state.underWay[key] != nil {
                state.again.insert(key)
                return nil
            }
            guard state.known.insert(key).inserted else { return nil }
            if !state.takers.isEmpty {
                state.known.remove(key)
                state.underWay[key, default: 0] += 1
                return state.takers.removeFirst()
            }
            state.keys.append(key)
            return nil
        }
        taker?.continuation.resume(returning: Turn(key, of: self))
    }

    private func ended(_ key: Key) {
        let isWanted = state.withLock { state in
            let left = (state.underWay[key] ?? 1) - 1
            state.underWay[key] = left > 0 ? left : nil
            return left == 0 && state.again.remove(key) != nil
        }
        if isWanted { add(key) }
    }

    /// The next key in turn; waits until there is one. Nil when the queue was closed or the task cancelled.
    func next() async -> Turn? {
        let id = nextTaker.add(1, ordering: .relaxed).newValue
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Turn?? = state.withLock { state in
                    if state.isClosed || Task.isCancelled { return .some(nil) }
                    if state.head < state.keys.count {
                        let key = state.keys[state.head]
                        state.head += 1
                        state.known.remove(key)
                        // Amortised: the taken part goes when it is the larger one.
                        if state.head * 2 > state.keys.count {
                            state.keys.removeFirst(state.head)
                            state.head = 0
                        }
                        state.underWay[key, default: 0] += 1
                        return .some(Turn(key, of: self))
                    }
                    state.takers.append(Taker(id: id, continuation: continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let taker: Taker? = state.withLock { state in
                guard let index = state.takers.firstIndex(where: { $0.id == id }) else { return nil }
                return state.takers.remove(at: index)
            }
            taker?.continuation.resume(returning: nil)
        }
    }

    /// Whether it was closed.
    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Lets everybody who waits go, now and later.
    func close() {
        let takers = state.withLock { state in
            state.isClosed = true
            defer { state.takers = [] }
            return state.takers
        }
        for taker in takers { taker.continuation.resume(returning: nil) }
    }
}
