import Core
import Foundation
import Postgres
import Store
import TestKit
import Testing

@testable import Reports

/// The jobs that come with Switchboard.
func shippedJobs() throws -> JobLibrary {
    let library = try JobLibrary(directory: ProjectRoot.url.appending(path: "jobs"))
    try #require(library.problems.isEmpty, "\(library.problems)")
    return library
}

/// Runs the body with a store on a database of its own.
func withStore(_ body: (Store) async throws -> Void) async throws {
    try await withTestStore { store, _ in try await body(store) }
}

extension Store {
    /// SQL of any number of statements.
    func script(_ sql: String) async throws {
        try await database.transaction { _ = try $0.runScript(sql) }
    }

    func rows(_ sql: String, _ binds: [any PostgresBindable] = []) async throws -> PostgresRows {
        try await database.read(Statement(name: "test", sql: sql, plan: .custom), binds)
    }

    @discardableResult
    func insertWorkspace(_ zone: String, createdAt: String = "2020-01-01T00:00:00Z", name: String? = nil) async throws
        -> UUID
    {
        let id = UUIDv7.make()
        try await script(
            """
            INSERT INTO workspaces (id, name, time_zone, created_at)
            VALUES ('\(id)', '\(name ?? id.uuidString)', '\(zone)', '\(createdAt)')
            """)
        return id
    }
}

/// The same numbers from the same seed, on every machine.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
