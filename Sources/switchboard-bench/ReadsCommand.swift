import ArgumentParser
import Foundation
import Logging
import Postgres

/// Single-row reads through the database client, each caller one at a time.
struct ReadsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reads", abstract: "Reads rows of bench_rows by id, and prints one line of JSON.")

    @Option(help: "The database.") var url: String
    @Option(help: "Callers at the same time.") var callers: Int
    @Option(help: "How long.") var seconds: Double
    @Option(help: "Rows in the table; ids begin at 1.") var rows: Int

    private static let statement = Statement(
        name: "bench_read", sql: "SELECT a, b, c, d, e FROM bench_rows WHERE id = $1")

    func run() async throws {
        var logger = Logger(label: "reads")
        logger.logLevel = .warning
        let database = Database(configuration: DatabaseConfiguration(url: url), logger: logger)
        try await database.start()
        let rows = rows
        let tally = try await Tally.of(callers: callers, seconds: seconds) { _ in
            let found = try await database.read(Self.statement, [Int64.random(in: 1...Int64(rows))])
            guard let row = found.first else { throw ValidationError("a row is missing") }
            for column in ["a", "b", "c", "d", "e"] { _ = try row.decode(column, as: String.self) }
            return 1
        }
        await database.close()
        tally.print()
    }
}
