import Synchronization

/// Counts the requests being handled and refuses more than so many: work that would only wait is turned away at once,
/// while the client can still do something with the refusal.
final class Admission: Sendable {
    private let limit: Int
    private let running = Atomic<Int>(0)

    init(limit: Int) {
        self.limit = limit
    }

    /// - Throws: 503 `overloaded`, or what the work throws.
    func admit<Result>(
        always: Bool, _ work: () async throws -> Result
    ) async throws -> Result {
        let before = running.wrappingAdd(1, ordering: .relaxed).oldValue
        defer { running.wrappingSubtract(1, ordering: .relaxed) }
        guard always || before < limit else { throw Problem.overloaded() }
        return try await work()
    }
}
