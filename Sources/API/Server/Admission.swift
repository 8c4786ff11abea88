import Core
import Synchronization

/// Counts the requests being handled and refuses more than can be handled soon: work that would only wait is turned away at
/// once, while the client can still do something with the refusal.
final class Admission: Sendable {
    private struct State {
        var running = 0
        var limit: ConcurrencyLimit
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - limit: requests at most, however quick they are.
    ///   - least: requests that are always handled, however slow those before them were.
    ///   - target: seconds that one should take at most. What it waits for before it is looked at comes on top.
    init(limit: Int, least: Int = 64, target: Double = 0.5) {
        state = Mutex(State(limit: ConcurrencyLimit(min(least, limit)...limit, target: target)))
    }

    /// - Throws: 503 `overloaded`, or what the work throws.
    func admit<Result>(
        always: Bool, _ work: () async throws -> Result
    ) async throws -> Result {
        let count: Int? = state.withLock { state in
            guard always || state.running < state.limit.current else { return nil }
            state.running += 1
            return state.running
        }
        guard let count else { throw Problem.overloaded("Too many requests are being handled.") }
        let began = ContinuousClock.now
        defer {
            let seconds = began.duration(to: .now) / .seconds(1)
            state.withLock { state in
                state.running -= 1
                if !always { state.limit.finished(among: count, after: seconds) }
            }
        }
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
