import Foundation
import Synchronization

/// Keys of work in the order in which they came, each at most once: how workers take turns over workspaces.
///
/// A key that is added while its work is being done is handed out again afterwards, so no nudge is lost; one that is
/// added twice before its turn is handed out once, so the queue is bounded by the number of keys.
final class WorkQueue<Key: Hashable & Sendable>: Sendable {
    private struct State {
        var keys: [Key] = []
        var head = 0
        var known: Set<Key> = []
        var takers: [Taker] = []
        var isClosed = false
    }

    private struct Taker {
        let id: Int
        let continuation: CheckedContinuation<Key?, Never>
    }

    private let state = Mutex(State())
    private let nextTaker = Atomic<Int>(0)

    /// Adds the key at the end, unless it waits already.
    func add(_ key: Key) {
        let taker: Taker? = state.withLock { state in
            guard !state.isClosed, state.known.insert(key).inserted else { return nil }
            if !state.takers.isEmpty {
                state.known.remove(key)
                return state.takers.removeFirst()
            }
            state.keys.append(key)
            return nil
        }
        taker?.continuation.resume(returning: key)
    }

    /// The next key in turn; waits until there is one. Nil when the queue was closed or the task cancelled.
    func next() async -> Key? {
        let id = nextTaker.add(1, ordering: .relaxed).newValue
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Key?? = state.withLock { state in
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
                        return .some(key)
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
