import Foundation
import Glibc
import Postgres
import Synchronization
import TestKit
import Testing

/// A server that says nothing any more, while its side of the connection stands: a backend is stopped, not killed.
@Suite struct SilenceTests {
    private static let limits: @Sendable (inout DatabaseConfiguration) -> Void = {
        $0.readConnections = 1
        $0.transactionConnections = 1
        $0.statementTimeout = .seconds(1)
        $0.silenceGrace = .seconds(1)
    }

    private static let backend = sql("SELECT pg_backend_pid() AS id")

    /// As many statements as there may be in the pipeline: the silence is that of one.
    @Test func aSilentConnectionIsGivenUpAndReplaced() async throws {
        try await withDatabase(Self.limits) { database in
            let reader = try await database.read(Self.backend)[0].decode("id", as: Int32.self)
            let stopped = ContinuousClock.now
            kill(reader, SIGSTOP)
            defer { kill(reader, SIGCONT) }
            // A read that nobody answered may be asked again.
            let sum = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<20 { group.addTask { try await database.int("SELECT \(number)") } }
                return try await group.reduce(0, +)
            }
            #expect(sum == 190)
            let took = ContinuousClock.now - stopped
            #expect(took > .seconds(2) && took < .seconds(10), "\(took)")

            let writer = Mutex<Int32>(0)
            defer { _ = kill(writer.withLock { $0 }, SIGCONT) }
            let error = try await failure {
                try await database.transaction { transaction in
                    let id = try transaction.query(Self.backend)[0].decode("id", as: Int32.self)
                    writer.withLock { $0 = id }
                    for _ in 0..<20 { transaction.send(sql("SELECT 1")) }
                    kill(id, SIGSTOP)
                    try transaction.sync()
                }
            }
            #expect(error.kind == .connection)
            try await eventually("there is another one") {
                (try? await database.transaction { try $0.query(sql("SELECT 1")).count }) == 1
            }
        }
    }

    /// Where one connection found nobody at the other end, the others are not tried one after the other.
    @Test func oneSilenceIsEnoughForAllConnections() async throws {
        try await withDatabase({
            Self.limits(&$0)
            $0.readConnections = 3
        }) { database in
            let readers = try await database.transaction { transaction in
                try transaction.query(
                    sql(
                        """
                        SELECT pid FROM pg_stat_activity
                        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
                        """)
                ).map { try $0.decode("pid", as: Int32.self) }
            }
            try #require(readers.count == 3)
            for reader in readers { kill(reader, SIGSTOP) }
            defer { for reader in readers { kill(reader, SIGCONT) } }
            // A read that met two losses would be given up.
            #expect(try await database.int("SELECT 7") == 7)
        }
    }

    /// What may take longer is waited for longer.
    @Test func aTransactionWithATimeOutOfItsOwnHasItsOwnPatience() async throws {
        try await withDatabase(Self.limits) { database in
            let options = TransactionOptions(isReadOnly: true, statementTimeout: .seconds(20))
            let slept = try await database.transaction(options) { try $0.query(sql("SELECT pg_sleep(3)")).count }
            #expect(slept == 1)
            let usual = try await failure {
                try await database.transaction { _ = try $0.query(sql("SELECT pg_sleep(3)")) }
            }
            #expect(usual.sqlState == .queryCanceled)
        }
    }

    @Test func closingIsBoundedWhateverTheServerDoes() async throws {
        try await withTestDatabase { url in
            let database = Database(configuration: configuration(url, Self.limits), logger: silent)
            try await database.start()
            let reader = try await database.read(Self.backend)[0].decode("id", as: Int32.self)
            kill(reader, SIGSTOP)
            let call = Task { try await database.int("SELECT 1") }
            try await eventually("it waits") { database.statistics.read.inFlight == 1 }
            let began = ContinuousClock.now
            await database.close(within: .milliseconds(200))
            // Sooner than the silence would have been noticed.
            #expect(ContinuousClock.now - began < .seconds(1))
            kill(reader, SIGCONT)
            await #expect(throws: PostgresError.self) { try await call.value }
        }
    }
}
