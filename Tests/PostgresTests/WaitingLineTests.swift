import Testing

@testable import Postgres

/// The line before the connections, by itself.
@Suite struct WaitingLineTests {
    /// The last connection may be lost between a caller's look at the clock and its turn at the line's lock.
    @Test func aCallerWhoLookedAtTheClockBeforeTheLossIsNoTrap() throws {
        let line = WaitingLine<TransactionJob>(
            wakers: [try Waker()], gathering: 1, configuration: DatabaseConfiguration(url: "postgres://localhost"))
        let early = MonotonicTime.now
        line.connectionOpened()
        line.connectionLost(0, PostgresError(.connection, message: "gone"))
        let promise = Promise<Int, any Error>()
        line.enter(TransactionJob(promise) { _ in 1 }, at: early)
        #expect(!promise.isSettled && line.statistics.waiting == 1)
        line.close()
        #expect(promise.isSettled)
    }
}
