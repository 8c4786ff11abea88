import Core
import Engine
import Foundation
import Store
import TestKit

/// Has messages accepted as one call's: who wrote, and what.
func ingest(_ scenario: Scenario, _ messages: [(String, String)]) async throws -> [InboundResult] {
    let combiner = IngestCombiner(
        store: scenario.store, logger: TestDatabase.silentLogger, maximumWait: .seconds(600))
    return try await combiner.accept(messages.map { scenario.message($0.0, $0.1) }, in: scenario.workspace)
}

/// Waits until so many runs have ended, for better or worse.
func allEnded(_ store: Store, _ count: Int) async throws -> Bool {
    try await eventually {
        try await store.value("SELECT count(*) AS count FROM runs WHERE status NOT IN ('candidate', 'active')")
            == count
    }
}

/// Of all runs that have begun, in order of their names.
func statuses(_ store: Store) async throws -> [String] {
    try await store.rows("SELECT status FROM runs WHERE status <> 'candidate' ORDER BY status")
        .map { try $0.decode("status") }
}
