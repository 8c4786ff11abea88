import Postgres
import TestKit
import Testing

/// Settings hold for the one they were given with, and for nobody next to it.
@Suite struct SettingsTests {
    private static func who(_ name: String) throws -> LocalSettings { try LocalSettings(["test.who": name]) }
    private static let question = sql("SELECT coalesce(current_setting('test.who', true), '') AS who", "who")

    @Test func manyCallersOfOnePipelineSeeEachTheirOwn() async throws {
        try await withDatabase({ $0.readConnections = 1 }) { database in
            for _ in 0..<5 {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<300 {
                        group.addTask {
                            // Some have none, some fail and take those behind them along.
                            let name = number % 3 == 0 ? nil : "caller \(number % 7)"
                            let settings = try name.map(Self.who)
                            if number % 20 == 1 {
                                await #expect(throws: PostgresError.self) {
                                    try await database.read(sql("SELECT 1 / 0", "broken"), settings: settings)
                                }
                            }
                            let seen = try await database.read(Self.question, settings: settings)
                            #expect(try seen[0].decode("who") == name ?? "")
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }

    @Test func aTransactionHasThemFromItsFirstStatementToItsEnd() async throws {
        try await withDatabase({ $0.transactionConnections = 1 }) { database in
            let options = TransactionOptions(settings: try Self.who("a"))
            let inside = try Self.who("b")
            let seen = try await database.transaction(options) { transaction in
                let first: String = try transaction.query(Self.question)[0].decode("who")
                transaction.set(inside)
                return [first, try transaction.query(Self.question)[0].decode("who")]
            }
            #expect(seen == ["a", "b"])
            let after = try await database.transaction { try $0.query(Self.question)[0].decode("who", as: String.self) }
            #expect(after == "")
        }
    }

    /// A setting that the server refuses is the error of the statement it belongs to.
    @Test func aRefusedSettingFailsItsStatementAlone() async throws {
        try await withDatabase({ $0.readConnections = 1 }) { database in
            let refused = try LocalSettings(["no such setting": "x"])
            async let broken = failure { _ = try await database.read(Self.question, settings: refused) }
            async let neighbour = database.read(Self.question, settings: Self.who("a"))
            #expect(try await broken.kind == .server)
            #expect(try await neighbour[0].decode("who") == "a")
            let transaction = try await failure {
                let options = TransactionOptions(settings: refused)
                try await database.transaction(options) { _ = try $0.query(Self.question) }
            }
            #expect(transaction.sqlState == (try await broken.sqlState))
        }
    }
}
