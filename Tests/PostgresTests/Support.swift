import Foundation
import Logging
import Postgres
import Synchronization
import TestKit
import Testing

let silent = TestDatabase.silentLogger

func configuration(_ url: String, _ change: (inout DatabaseConfiguration) -> Void = { _ in }) -> DatabaseConfiguration {
    var configuration = DatabaseConfiguration(url: url)
    configuration.readConnections = 2
    configuration.transactionConnections = 2
    configuration.startTimeout = .seconds(20)
    configuration.reconnectDelay = .milliseconds(10) ... .milliseconds(200)
    change(&configuration)
    return configuration
}

/// A started database object on a database of its own, closed afterwards.
func withDatabase(
    _ change: (inout DatabaseConfiguration) -> Void = { _ in }, _ body: (Database) async throws -> Void
) async throws {
    try await withTestDatabase { url in try await withDatabase(at: url, change, body) }
}

func withDatabase(
    at url: String, _ change: (inout DatabaseConfiguration) -> Void = { _ in }, _ body: (Database) async throws -> Void
) async throws {
    let database = Database(configuration: configuration(url, change), logger: silent)
    try await database.start()
    do { try await body(database) } catch {
        await database.close()
        throw error
    }
    await database.close()
}

func sql(_ text: String, _ name: String = "test", plan: Statement.Plan = .auto) -> Statement {
    Statement(name: name, sql: text, plan: plan)
}

extension Database {
    /// For setting up.
    func script(_ text: String) async throws {
        try await transaction { tx in _ = try tx.runScript(text) }
    }

    func int(_ text: String, _ binds: [any PostgresBindable] = []) async throws -> Int {
        try await read(sql(text), binds)[0].decode(at: 0)
    }
}

/// Waits until something is so; looks every few milliseconds and gives up after a while.
func eventually(
    _ what: Comment, within limit: Duration = .seconds(20), _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        try #require(ContinuousClock.now < deadline, what)
        try await Task.sleep(for: .milliseconds(3))
    }
}

/// The error of something that must fail.
func failure(_ body: () async throws -> Void) async throws -> PostgresError {
    var caught: PostgresError?
    do { try await body() } catch let error as PostgresError { caught = error }
    return try #require(caught)
}

/// What every open descriptor stands for.
func openDescriptors() -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    return names.compactMap { name in
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + name)
        // Without the numbers that differ from one socket to the next.
        return target.map { $0.hasPrefix("socket:") ? "socket" : $0.hasPrefix("pipe:") ? "pipe" : $0 }
    }.sorted()
}
