import Dispatch
import Foundation
import Postgres
import Synchronization
import TestKit
import Testing

@Suite struct ReadTests {
    @Test func aFailingStatementAmidAHundredCallersFailsAlone() async throws {
        try await withDatabase({ $0.readConnections = 1 }) { database in
            for _ in 0..<5 { try await Scenario.failingStatementAmidHundredCallers(database) }
        }
    }

    @Test func aStatementThatCannotBePreparedFailsAlone() async throws {
        try await withDatabase({ $0.readConnections = 1 }) { database in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        let statement = sql(number % 10 == 0 ? "SELEKT 1" : "SELECT \(number % 7)", "s\(number % 10)")
                        do throws(PostgresError) {
                            let value = try await database.read(statement)[0].decode(at: 0, as: Int.self)
                            #expect(value == number % 7)
                        } catch {
                            #expect(number % 10 == 0, "\(error.debugDescription)")
                            #expect(error.sqlState == .syntaxError)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func twoThousandCallersShareFourConnections() async throws {
        try await withDatabase({ $0.readConnections = 4 }) { database in
            try await Scenario.twoThousandCallers(database)
            let statistics = database.statistics.read
            #expect(statistics.connected == 4)
            #expect(statistics.served == 10_000)
            #expect(statistics.waiting == 0)
            #expect(statistics.inFlight == 0)
        }
    }

    @Test func aBackendTerminatedMidPipelineCostsOnlyTheOneWhoDidIt() async throws {
        try await withDatabase { database in
            for _ in 0..<3 { try await Scenario.backendTerminatedMidPipeline(database) }
            try await eventually("both connections are back") { database.statistics.read.connected == 2 }
        }
    }

    @Test func aSlowReadDoesNotHoldUpOthers() async throws {
        try await withDatabase { database in
            let slow = Task { try await database.int("SELECT 1 FROM (SELECT pg_sleep(5)) s") }
            try await eventually("it is under way") { database.statistics.read.inFlight == 1 }
            let started = ContinuousClock.now
            for _ in 0..<20 { _ = try await database.int("SELECT 1") }
            #expect(ContinuousClock.now - started < .seconds(4))
            #expect(database.statistics.read.inFlight == 1)
            _ = try await slow.value
        }
    }

    @Test func aFullLineRefusesAtOnceAndALongOneAfterItsTime() async throws {
        try await withDatabase({
            $0.readConnections = 1
            $0.readBatch = 1
            $0.maximumWaiting = 3
            $0.acquireTimeout = .milliseconds(300)
        }) { database in
            let slow = Task { try await database.int("SELECT 1 FROM (SELECT pg_sleep(2)) s") }
            try await eventually("the connection is taken") { database.statistics.read.inFlight == 1 }
            let waiting = (0..<3).map { _ in Task { try await database.int("SELECT 1") } }
            try await eventually("the line is full") { database.statistics.read.waiting == 3 }
            let started = ContinuousClock.now
            let refused = try await failure { _ = try await database.int("SELECT 1") }
            #expect(refused.kind == .overloaded)
            #expect(ContinuousClock.now - started < .milliseconds(250))
            for task in waiting {
                let late = try await failure { _ = try await task.value }
                #expect(late.kind == .overloaded)
            }
            #expect(try await slow.value == 1)
        }
    }

    @Test func aCancelledCallerLeavesAtOnceAndDisturbsNobody() async throws {
        try await withDatabase({
            $0.readConnections = 1
            // However slow the machine is, nobody runs into another limit while the gate is closed.
            for limit in [\DatabaseConfiguration.acquireTimeout, \.statementTimeout, \.lockTimeout] {
                $0[keyPath: limit] = .seconds(300)
            }
            $0.idleInTransactionTimeout = .zero
        }) { database in
            let closed = Mutex(false)
            let gate = DispatchSemaphore(value: 0)
            let gatekeeper = Task {
                try await database.transaction { tx in
                    _ = try tx.query(sql("SELECT pg_advisory_xact_lock(4711)"))
                    closed.withLock { $0 = true }
                    gate.wait()
                }
            }
            defer { gate.signal() }
            try await eventually("the gate is closed") { closed.withLock { $0 } }
            let running = Task { try await database.int("SELECT 1 FROM (SELECT pg_advisory_xact_lock_shared(4711)) s") }
            try await eventually("it is under way") { database.statistics.read.inFlight == 1 }
            let queued = (0..<50).map { number in Task { try await database.int("SELECT $1::int", [number]) } }
            try await eventually("they wait") { database.statistics.read.waiting == 50 }
            running.cancel()
            for task in queued[..<25] { task.cancel() }
            for task in queued[..<25] + [running] {
                let error = try await failure { _ = try await task.value }
                #expect(error.kind == .cancelled)
            }
            // The gate is closed still: they did not wait for what is under way.
            #expect(database.statistics.read.waiting == 25)
            gate.signal()
            try await gatekeeper.value
            for (number, task) in queued.enumerated().dropFirst(25) { #expect(try await task.value == number) }
            let early = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await database.int("SELECT 1")
            }
            #expect(try await failure { _ = try await early.value }.kind == .cancelled)
        }
    }

    @Test func aTableChangedUnderAPreparedStatementIsReadAnew() async throws {
        try await withDatabase({ $0.readConnections = 1 }) { database in
            try await database.script("CREATE TABLE thing (a int); INSERT INTO thing VALUES (1)")
            let all = sql("SELECT * FROM thing", "all_things")
            #expect(try await database.read(all).columns == ["a"])
            try await database.transaction { tx in _ = try tx.query(all) }
            try await database.script("ALTER TABLE thing ADD COLUMN b int DEFAULT 2")
            let rows = try await database.read(all)
            #expect(rows.columns == ["a", "b"])
            #expect(try rows[0].decode("b", as: Int.self) == 2)
            for _ in 0..<4 {
                let columns = try await database.transaction { tx in try tx.query(all).columns }
                #expect(columns == ["a", "b"])
            }
            for _ in 0..<4 { try await database.script("DEALLOCATE ALL") }
            for _ in 0..<4 {
                #expect(try await database.transaction { tx in try tx.query(all).count } == 1)
            }
        }
    }

    @Test func readersCannotWrite() async throws {
        try await withDatabase { database in
            try await database.script("CREATE TABLE thing (a int)")
            let error = try await failure { _ = try await database.read(sql("INSERT INTO thing VALUES (1)")) }
            #expect(error.sqlState == .readOnlyTransaction)
        }
    }

    @Test func sessionsAreSetUpAsPromised() async throws {
        try await withDatabase({
            $0.statementTimeout = .seconds(7)
            $0.settings = ["search_path": "\"some schema\", public"]
        }) { database in
            try await database.script("CREATE ROLE sbt_reader_\(getpid())")
            let names = ["synchronous_commit", "TimeZone", "statement_timeout", "plan_cache_mode", "search_path"]
            let show = sql("SELECT current_setting(n) AS v FROM unnest($1::text[]) WITH ORDINALITY u (n, i) ORDER BY i")
            let read = try await database.read(show, [names]).decode("v", as: String.self)
            #expect(read == ["on", "UTC", "7s", "force_generic_plan", "\"some schema\", public"])
            let written = try await database.transaction { tx in
                try tx.query(show, [names]).decode("v", as: String.self)
            }
            #expect(written[3] == "force_generic_plan")
            try await withDatabase(at: database.configuration.url, { $0.role = "sbt_reader_\(getpid())" }) { other in
                let role = try await other.read(sql("SELECT current_user::text AS r"))[0].decode("r", as: String.self)
                #expect(role == "sbt_reader_\(getpid())")
            }
            try await database.script("DROP ROLE sbt_reader_\(getpid())")
        }
    }
}
