import Core
import Engine
import Foundation
import Postgres
import Store
import Synchronization
import TestKit
import Testing

/// What a combiner knows of how long batches take outlasts the moments in which nobody waits (S5).
@Suite struct IngestPaceTests {
    @Test(.timeLimit(.minutes(15)))
    func thePaceIsRememberedWhenNobodyWaits() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let batches = HeldBatches()
            let limit = Duration.milliseconds(500)
            let combiner = IngestCombiner(
                store: store, logger: TestDatabase.silentLogger, batch: 1, maximumWait: limit, probe: batches.passed)
            func say(_ name: String) -> Task<[InboundResult], any Error> {
                Task { try await combiner.accept([scenario.message(name, "Hello")], in: scenario.workspace) }
            }
            // The first batch counts for half of what it took, which is still twice what anybody may wait.
            batches.pause = limit * 4
            _ = try await say("slow").value
            batches.pause = .zero
            // Nobody waits now. Two batches go and are held: who comes next is told at once that it takes too long.
            batches.hold()
            let underWay = [say("first"), say("second")]
            for _ in underWay { await batches.oneIsHeld() }
            let arrived = ContinuousClock.now
            let refusal = await #expect(throws: PostgresError.self) {
                try await combiner.checkWait(in: scenario.workspace, since: arrived)
            }
            #expect(refusal?.kind == .overloaded)
            batches.release()
            for call in underWay { #expect(try await call.value.map(\.status) == [.accepted]) }
            try await scenario.requireConsistency()
        }
    }
}

/// Batches that take as long as the test wants, on their connections' threads.
private final class HeldBatches: Sendable {
    private let state = Mutex((pause: Duration.zero, isHolding: false))
    private let held = AsyncStream<Void>.makeStream()
    private let gate = DispatchSemaphore(value: 0)

    var pause: Duration {
        get { state.withLock { $0.pause } }
        set { state.withLock { $0.pause = newValue } }
    }

    func hold() { state.withLock { $0.isHolding = true } }
    func oneIsHeld() async { for await _ in held.stream { return } }

    /// Of two batches.
    func release() {
        state.withLock { $0.isHolding = false }
        for _ in 0..<2 { gate.signal() }
    }

    @Sendable func passed(_ point: String) {
        guard point == "ingest.before_commit" else { return }
        let (pause, isHolding) = state.withLock { $0 }
        // No wait for a state: how long a batch takes is what the combiner is to remember.
        if pause > .zero { Thread.sleep(forTimeInterval: pause / .seconds(1)) }
        guard isHolding else { return }
        held.continuation.yield()
        gate.wait()
    }
}
