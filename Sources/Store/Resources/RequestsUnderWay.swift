import Synchronization

/// The keyed requests that this process is working on: a repetition is refused before it takes a connection, so that a
/// pile of repetitions of one slow request holds up nobody else.
///
/// A courtesy and not the guarantee: across processes the row of the key decides (S28).
final class RequestsUnderWay: Sendable {
    private struct Key: Hashable {
        let caller: String
        let key: String
    }

    private let keys = Mutex<Set<Key>>([])

    /// Does `body` unless a request with the same key is under way.
    /// - Throws: `.conflict(.idempotencyKeyInUse)`, and what `body` throws.
    func alone<Result: Sendable>(
        _ claim: IdempotencyClaim, _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        let key = Key(caller: claim.caller, key: claim.key)
        guard keys.withLock({ $0.insert(key).inserted }) else { throw StoreError.keyInUse }
        defer { keys.withLock { _ = $0.remove(key) } }
        return try await body()
    }
}

extension StoreError {
    static var keyInUse: StoreError {
        .conflict(.idempotencyKeyInUse, detail: "A request with this Idempotency-Key is still under way.")
    }
}
