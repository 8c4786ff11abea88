import Engine
import Foundation
import ServiceLifecycle
import Store
import TestKit
import Testing

@Suite struct HeartbeatTests {
    @Test("a sign that is being written when the process ends does not outlive it", .timeLimit(.minutes(15)))
    func lastSign() async throws {
        try await withTestStore { store, _ in
            let process = ProcessDescription(parts: ["worker"], host: "here", processID: 1, version: "1")
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [Heartbeat(store: store, process: process, logger: TestDatabase.silentLogger)],
                    logger: TestDatabase.silentLogger))
            var running: Task<Void, any Error>?
            // The sign waits for whether this row comes to be; nobody who deletes it sees it.
            try await store.whileHolding(
                """
                INSERT INTO processes (id, parts, host, process_id, version, started_at, last_seen_at)
                VALUES ('\(process.id)', '{}', '', 1, '', now(), now()) RETURNING id
                """
            ) {
                running = Task { try await group.run() }
                #expect(try await store.oneWaitsForALock())
                await group.triggerGracefulShutdown()
                // For one that did not wait for its sign the time to take its row away.
                try await Task.sleep(for: .milliseconds(100))
            }
            try await running?.value
            #expect(try await store.value("SELECT count(*) AS count FROM processes") == 0)
        }
    }
}
