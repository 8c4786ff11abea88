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
        guard always || before < limit else { throw Problem.overloaded("Too many requests are being handled.") }
        return try await work()
    }
}

/// Counts the bytes of bodies that are in memory and refuses more than so many. Only bytes that came count: a body that
/// is declared and never sent takes nothing from the others.
final class BodyBudget: Sendable {
    private let limit: Int
    private let used = Atomic<Int>(0)

    init(limit: Int) {
        self.limit = limit
    }

    /// What one request has taken of the budget; given back with its end.
    final class Share: Sendable {
        private let budget: BodyBudget
        private let taken = Atomic<Int>(0)

        init(_ budget: BodyBudget) { self.budget = budget }

        deinit { budget.used.wrappingSubtract(taken.load(ordering: .relaxed), ordering: .relaxed) }

        /// - Throws: 503 `overloaded`.
        func take(_ bytes: Int) throws(Problem) {
            taken.wrappingAdd(bytes, ordering: .relaxed)
            let total = budget.used.wrappingAdd(bytes, ordering: .relaxed).newValue
            guard total <= budget.limit else { throw .overloaded("Too many bytes of requests are being handled.") }
        }
    }
}

/// Refuses work while those before it wait for too long: a request that would be answered after its client has given up
/// only makes the others wait longer.
struct WaitGuard: Sendable {
    let limit: Duration
    /// How long the one that waits longest has waited.
    let wait: @Sendable () -> Duration

    /// - Throws: 503 `overloaded`.
    func check() throws(Problem) {
        guard wait() <= limit else { throw .overloaded("The database is behind.") }
    }
}
