import Foundation
import Logging
import Postgres
import Synchronization
import TestKit
import Testing

/// Hard situations, used once as a test each and again, round after round, where nothing may be left behind.
enum Scenario {
    /// One of a hundred callers asks for nonsense; it alone hears of it.
    static func failingStatementAmidHundredCallers(_ database: Database) async throws {
        let good = sql("SELECT $1::int * 2 AS double", "good")
        let bad = sql("SELECT 1 / ($1::int - 50) AS quotient", "bad")
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<100 {
                group.addTask {
                    do throws(PostgresError) {
                        if number == 50 {
                            let rows = try await database.read(bad, [number])
                            Issue.record("a division by zero gave \(rows.count) rows")
                        } else {
                            let rows = try await database.read(good, [number])
                            #expect(try rows[0].decode("double", as: Int.self) == number * 2)
                        }
                    } catch {
                        #expect(number == 50, "\(error.debugDescription)")
                        #expect(error.sqlState == SQLState(rawValue: "22012"))
                        #expect(error.statement == "bad")
                    }
                }
            }
        }
    }

    /// One caller's statement kills the server's process under it; those in the same pipeline get their rows all the same.
    static func backendTerminatedMidPipeline(_ database: Database) async throws {
        let slow = sql("SELECT $1::int AS number, pg_sleep(0.001)", "slow")
        let deadly = sql("SELECT pg_terminate_backend(pg_backend_pid())", "deadly")
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<100 {
                group.addTask {
                    do throws(PostgresError) {
                        if number == 50 {
                            _ = try await database.read(deadly)
                            Issue.record("a connection survived its end")
                        } else {
                            let rows = try await database.read(slow, [number])
                            #expect(try rows[0].decode("number", as: Int.self) == number)
                        }
                    } catch {
                        #expect(number == 50, "\(error.debugDescription)")
                        #expect(error.kind == .connection)
                    }
                }
            }
        }
    }

    static func twoThousandCallers(_ database: Database) async throws {
        let statement = sql("SELECT $1::int AS number, repeat('x', 200) AS filler", "many")
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<2000 {
                group.addTask {
                    for _ in 0..<5 {
                        let row = try await database.read(statement, [number])[0]
                        guard try row.decode("number", as: Int.self) == number else { return 0 }
                    }
                    return number
                }
            }
            var sum = 0
            for try await number in group { sum += number }
            #expect(sum == 2000 * 1999 / 2)
        }
    }

    /// Restarts the server while readers and writers work. Afterwards the table holds every insert that was acknowledged,
    /// none that failed for certain, and none twice; everyone goes on without help.
    static func serverRestartedUnderTraffic(_ database: Database, _ cluster: TestCluster) async throws {
        try await database.script(
            "DROP TABLE IF EXISTS entry; CREATE TABLE entry (id int PRIMARY KEY, writer int NOT NULL)")
        let insert = sql("INSERT INTO entry VALUES ($1, $2)", "insert_entry")
        let count = sql("SELECT count(*) AS n FROM entry WHERE writer = $1", "count_entries")
        let traffic = Traffic()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    var number = writer * 1_000_000
                    while !traffic.isOver {
                        number += 1
                        let id = number
                        do {
                            try await database.transaction { tx in _ = tx.send(insert, [id, writer]) }
                            _ = traffic.state.withLock { $0.acknowledged.insert(id) }
                        } catch let error as PostgresError {
                            #expect(error.isConnectionLost, "\(error.debugDescription)")
                            let outcome = error.isCommitUnknown ? \Traffic.State.unknown : \Traffic.State.failed
                            _ = traffic.state.withLock { $0[keyPath: outcome].insert(id) }
                            try await Task.sleep(for: .milliseconds(2))
                        }
                    }
                }
                group.addTask {
                    while !traffic.isOver {
                        do throws(PostgresError) {
                            _ = try await database.read(count, [writer])
                            traffic.state.withLock { $0.reads += 1 }
                        } catch {
                            #expect(error.isConnectionLost, "\(error.debugDescription)")
                            try? await Task.sleep(for: .milliseconds(2))
                        }
                    }
                }
            }
            for mode in [TestCluster.StopMode.fast, .immediate] {
                try await traffic.moves()
                try await cluster.restart(mode)
            }
            try await traffic.moves()
            traffic.finish()
            try await group.waitForAll()
        }
        let found = try await Set(database.read(sql("SELECT id FROM entry")).decode("id", as: Int.self))
        let state = traffic.state.withLock { $0 }
        #expect(state.acknowledged.isSubset(of: found))
        #expect(found.isDisjoint(with: state.failed))
        #expect(found.subtracting(state.acknowledged).isSubset(of: state.unknown))
    }

    private final class Traffic: Sendable {
        struct State {
            var acknowledged: Set<Int> = []
            var failed: Set<Int> = []
            var unknown: Set<Int> = []
            var reads = 0
            var isOver = false
        }
        let state = Mutex(State())
        var isOver: Bool { state.withLock { $0.isOver } }
        func finish() { state.withLock { $0.isOver = true } }

        /// Waits until readers and writers have had their way again.
        func moves() async throws {
            let before = state.withLock { ($0.acknowledged.count, $0.reads) }
            try await eventually("traffic goes on") {
                state.withLock { $0.acknowledged.count > before.0 + 20 && $0.reads > before.1 + 20 }
            }
        }
    }
}
