import Synchronization

/// Lets callers who ask the same at the same time share an answer.
///
/// It was always asked for after each of them came: who comes while a read is under way waits for the next one. So nobody is
/// told what was true before the call, and of any number of callers at most two reads are needed.
final class SharedReads<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private enum Turn {
        /// To read, for these as well.
        case lead([Waiter])
        case done(Result<Value, any Error>)
    }

    private typealias Waiter = CheckedContinuation<Turn, Never>

    /// Of keys that are being read: who came since the read began.
    private let waiting = Mutex<[Key: [Waiter]]>([:])

    /// - Throws: what `read` throws, the caller's own or that of one of its group.
    func value(of key: Key, _ read: () async throws -> Value) async throws -> Value {
        let group: [Waiter]
        switch await turn(key) {
        case .done(let result): return try result.get()
        case .lead(let others): group = others
        }
        do {
            let value = try await read()
            for waiter in group { waiter.resume(returning: .done(.success(value))) }
            passOn(key)
            return value
        } catch {
            // A caller who went away takes nobody along.
            if Task.isCancelled, let next = group.first {
                next.resume(returning: .lead(Array(group.dropFirst())))
            } else {
                for waiter in group { waiter.resume(returning: .done(.failure(error))) }
                passOn(key)
            }
            throw error
        }
    }

    private func turn(_ key: Key) async -> Turn {
        if begins(key, orWaits: nil) { return .lead([]) }
        return await withCheckedContinuation { waiter in
            // The read that was under way a moment ago may be over.
            if begins(key, orWaits: waiter) { waiter.resume(returning: .lead([])) }
        }
    }

    private func begins(_ key: Key, orWaits waiter: Waiter?) -> Bool {
        waiting.withLock { waiting in
            guard waiting[key] != nil else {
                waiting[key] = []
                return true
            }
            if let waiter { waiting[key]?.append(waiter) }
            return false
        }
    }

    /// Whoever came meanwhile goes together; one of them reads.
    private func passOn(_ key: Key) {
        let group = waiting.withLock { waiting -> [Waiter] in
            let came = waiting[key] ?? []
            waiting[key] = came.isEmpty ? nil : []
            return came
        }
        group.first?.resume(returning: .lead(Array(group.dropFirst())))
    }
}
