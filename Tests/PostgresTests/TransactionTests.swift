import Foundation
import Postgres
import Synchronization
import TestKit
import Testing

@Suite struct TransactionTests {
    private struct Refusal: Error {}
    private static let insert = sql("INSERT INTO entry VALUES ($1)", "insert_entry")
    private static let table = "CREATE TABLE entry (id int PRIMARY KEY CHECK (id >= 0))"

    @Test func whatTheBodyThrowsUndoesEverything() async throws {
        try await withDatabase { database in
            try await database.script(TransactionTests.table)
            await #expect(throws: Refusal.self) {
                try await database.transaction { tx in
                    _ = try tx.query(TransactionTests.insert, [1])
                    tx.send(TransactionTests.insert, [2])
                    throw Refusal()
                }
            }
            #expect(try await database.int("SELECT count(*) FROM entry") == 0)
        }
    }

    @Test func aPipelinedErrorUndoesEverythingAlsoWhenTheBodyDoesNotLook() async throws {
        try await withDatabase({ $0.transactionConnections = 1 }) { database in
            try await database.script(TransactionTests.table)
            let silent = try await failure {
                try await database.transaction { tx in
                    for id in [1, 2, -3, 4] { tx.send(TransactionTests.insert, [id]) }
                }
            }
            #expect(silent.sqlState == .checkViolation)
            let swallowed = try await failure {
                try await database.transaction { tx in
                    let bad = tx.send(TransactionTests.insert, [-1])
                    let behind = tx.send(TransactionTests.insert, [5])
                    #expect(throws: PostgresError.self) { try bad.rows() }
                    let error = #expect(throws: PostgresError.self) { try behind.rows() }
                    #expect(error?.sqlState == .checkViolation)
                    #expect(throws: PostgresError.self) { try tx.query(TransactionTests.insert, [6]) }
                }
            }
            #expect(swallowed.sqlState == .checkViolation)
            #expect(try await database.int("SELECT count(*) FROM entry") == 0)
            let affected = try await database.transaction { tx in
                let rows = (1...10).map { tx.send(TransactionTests.insert, [$0]) }
                return try rows.map { try $0.rows().affected }.reduce(0, +)
            }
            #expect(affected == 10)
            #expect(try await database.int("SELECT count(*) FROM entry") == 10)
        }
    }

    /// By itself the server would plan for a list of one each time, as one of ten costs more.
    @Test("in a transaction a statement is planned once, unless one is to be planned for its values")
    func plans() async throws {
        try await withDatabase({ $0.transactionConnections = 1 }) { database in
            try await database.script(TransactionTests.table + "; INSERT INTO entry SELECT generate_series(1, 10000)")
            let find = sql("SELECT e.id FROM entry e, unnest($1::int[]) AS u (id) WHERE e.id = u.id", "find")
            for id in 1...20 {
                _ = try await database.transaction { tx in try tx.query(find, [[id]]) }
            }
            let made = try await database.transaction { tx in
                try tx.query(
                    sql("SELECT custom_plans::int FROM pg_prepared_statements WHERE statement LIKE 'SELECT e.id%'"))
            }
            #expect(try made.map { try $0.decode(at: 0, as: Int.self) } == [0])
            let mode = "SELECT current_setting('plan_cache_mode') AS mode"
            let seen = try await database.transaction { tx in
                try [
                    tx.send(sql(mode, "mode")), tx.send(sql(mode, plan: .custom)), tx.send(sql(mode, "mode")),
                ].map { try $0.rows()[0].decode(at: 0, as: String.self) }
            }
            #expect(seen == ["force_generic_plan", "auto", "auto"])
            let next = try await database.transaction { tx in try tx.query(sql(mode, "mode")) }
            #expect(try next[0].decode(at: 0, as: String.self) == "force_generic_plan")
        }
    }

    @Test func manyLargeStatementsAndRowsPassAtOnce() async throws {
        try await withDatabase { database in
            let echo = sql("SELECT repeat($1::text, 20) AS text")
            let text = String(repeating: "0123456789", count: 1000)
            let total = try await database.transaction { tx in
                let pending = (0..<200).map { _ in tx.send(echo, [text]) }
                return try pending.map { try $0.rows()[0].decode("text", as: String.self).utf8.count }.reduce(0, +)
            }
            #expect(total == 200 * 20 * 10_000)
        }
    }

    @Test func aDeferredConstraintFailsTheCommit() async throws {
        try await withDatabase { database in
            try await database.script(
                "CREATE TABLE pair (a int UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO pair VALUES (1)")
            let error = try await failure {
                try await database.transaction { tx in _ = try tx.query(sql("INSERT INTO pair VALUES (1)")) }
            }
            #expect(error.kind == .server)
            #expect(error.sqlState == .uniqueViolation)
            #expect(try await database.int("SELECT count(*) FROM pair") == 1)
        }
    }

    @Test func aConnectionLostBeforeCommitIsCertainAndDuringCommitIsNot() async throws {
        try await withDatabase { database in
            try await database.script(
                TransactionTests.table + """
                    ;
                    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(30); RETURN NULL; END';
                    CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON entry DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW WHEN (NEW.id = 7) EXECUTE FUNCTION wait();
                    """)
            let before = try await failure {
                try await database.transaction { tx in
                    tx.send(TransactionTests.insert, [1])
                    tx.send(sql("SELECT pg_terminate_backend(pg_backend_pid())"))
                    tx.send(TransactionTests.insert, [2])
                }
            }
            #expect(before.kind == .connection)

            let committing = Task {
                try await database.transaction { tx in _ = tx.send(TransactionTests.insert, [7]) }
            }
            let kill = sql(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND query = 'COMMIT' AND wait_event = 'PgSleep'
                """, "kill")
            try await eventually("the commit was met") { try await database.read(kill).count == 1 }
            let during = try await failure { try await committing.value }
            #expect(during.kind == .commitUnknown)
            #expect(during.isConnectionLost)
            #expect(try await database.int("SELECT count(*) FROM entry") == 0)
            try await database.transaction { tx in _ = try tx.query(TransactionTests.insert, [8]) }
        }
    }

    @Test func scriptsAndCopiesBelongToTheTransaction() async throws {
        try await withDatabase { database in
            try await database.script("CREATE TABLE word (id int, text text)")
            let rows: [[any PostgresBindable]] = ValueTests.nasty.enumerated().map { [$0, $1] }
            await #expect(throws: Refusal.self) {
                try await database.transaction { tx in
                    tx.send(sql("INSERT INTO word VALUES (-1, 'first')"))
                    #expect(try tx.copyIn("word", columns: ["id", "text"], rows: rows) == rows.count)
                    #expect(try tx.query(sql("SELECT 1 FROM word")).count == rows.count + 1)
                    throw Refusal()
                }
            }
            #expect(try await database.int("SELECT count(*) FROM word") == 0)
            #expect(try await database.copyIn("public.word", columns: ["id", "text"], rows: rows) == rows.count)
            let back = try await database.read(sql("SELECT text FROM word ORDER BY id")).decode("text", as: String.self)
            #expect(back == ValueTests.nasty)
            let broken: [[any PostgresBindable]] = [[1, "a"], [2, "b\0"]]
            let error = try await failure {
                _ = try await database.copyIn("word", columns: ["id", "text"], rows: broken)
            }
            #expect(error.kind == .encoding)
            let missing = try await failure { _ = try await database.copyIn("nowhere", columns: ["id"], rows: broken) }
            #expect(missing.sqlState == .undefinedTable)
            #expect(try await database.int("SELECT count(*) FROM word") == rows.count)

            let script = try await failure {
                try await database.script("CREATE TABLE half (a int); SELECT 1/0; SELECT 2")
            }
            #expect(script.sqlState == SQLState(rawValue: "22012"))
            #expect(
                try await failure { try await database.script("CREATE TABLE half (a int); COMMIT") }.kind == .server)
            for _ in 0..<4 { #expect(try await database.transaction { try $0.query(sql("SELECT 1")).count } == 1) }
        }
    }

    @Test func transactionsWaitTheirTurnAndACancelledOneNeverBegins() async throws {
        try await withDatabase({ $0.transactionConnections = 1 }) { database in
            try await database.script(TransactionTests.table)
            let gate = DispatchSemaphore(value: 0)
            let first = Task {
                try await database.transaction { tx in
                    gate.wait()
                    tx.send(TransactionTests.insert, [1])
                }
            }
            try await eventually("it is under way") { database.statistics.transaction.inFlight == 1 }
            let second = Task { try await database.transaction { tx in _ = tx.send(TransactionTests.insert, [2]) } }
            try await eventually("it waits") { database.statistics.transaction.waiting == 1 }
            second.cancel()
            #expect(try await failure { try await second.value }.kind == .cancelled)
            gate.signal()
            try await first.value
            #expect(try await database.int("SELECT sum(id) FROM entry") == 1)
        }
    }

    @Test func closingServesThoseInLineAndRefusesTheRest() async throws {
        try await withTestDatabase { url in
            let database = Database(configuration: configuration(url) { $0.transactionConnections = 1 }, logger: silent)
            try await database.start()
            let pending = (0..<20).map { number in
                Task {
                    try await database.transaction {
                        try $0.query(sql("SELECT $1::int, pg_sleep(0.01)"), [number]).count
                    }
                }
            }
            try await eventually("they wait") {
                let lane = database.statistics.transaction
                return lane.waiting + lane.inFlight + Int(lane.served) == 20
            }
            await database.close()
            for task in pending { #expect(try await task.value == 1) }
            #expect(try await failure { _ = try await database.read(sql("SELECT 1")) }.kind == .closed)
        }
    }
}
