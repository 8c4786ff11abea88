import Core
import Engine
import Foundation
import Postgres
import Store
import TestKit
import Testing

/// Workers killed with SIGKILL, at named points and at random ones, while they hold work.
@Suite struct CrashTests {
    /// Kills of a worker with an uncommitted transaction or leased effects that there must have been.
    private static let wanted = 30

    @Test("workers killed while they hold work: nothing is lost, nothing happens twice", .timeLimit(.minutes(6)))
    func killed() async throws {
        let channel = try FakeChannel { delivery in
            // Slow enough that a kill finds effects under way; some are refused at first.
            delivery.attempt == 1 && (delivery.key.utf8.last ?? 0) % 7 == 0
                ? .status(503) : .late(.milliseconds(60), status: 200)
        }
        try await withTestStore { store, url in
            let scenario = try await Scenario(store, channelURL: channel.url)
            let (team, agents) = try await scenario.team(limits: [nil, nil, nil, 40])
            try await scenario.publish(steps: [
                ["id": "greet", "type": "send_message", "text": "Hello {{contact.name}}", "next": "pause"],
                ["id": "pause", "type": "wait", "duration": "PT1S", "next": "note"],
                ["id": "note", "type": "add_comment", "text": "Waited", "next": "to"],
                [
                    "id": "to", "type": "assign", "target": ["team_id": .id(team)], "strategy": "least_open",
                    "next": "told",
                ],
                ["id": "told", "type": "send_message", "text": "Somebody is with you", "next": .null],
            ])
            let combiner = IngestCombiner(store: store, logger: TestDatabase.silentLogger, maximumWait: .seconds(600))
            func present(_ presence: Agent.Presence) async throws {
                for agent in agents {
                    _ = try await store.write {
                        try $0.setPresence(presence, ofAgent: agent, by: Scenario.caller, in: scenario.workspace)
                    }
                }
            }
            var random = SeededGenerator(seed: 20_261_122)
            var contacts = 0
            var hits: [String: Int] = [:]
            var kills = 0
            while hits.values.reduce(0, +) < Self.wanted, kills < 120 {
                let batch = (contacts..<(contacts + 12)).map { scenario.message("c\($0)") }
                contacts += batch.count
                #expect(try await combiner.accept(batch, in: scenario.workspace).allSatisfy { $0.status == .accepted })
                let point = ["run.before_commit", "effect.after_send", "line.before_commit", nil, nil, nil][kills % 6]
                kills += 1
                if let point {
                    // A line is served by itself when somebody waited in it.
                    let waits = point == "line.before_commit"
                    if waits { try await present(.away) }
                    let process = try WorkerProcess(
                        database: url, crashAt: "\(point):\(waits ? 1 : Int.random(in: 1...3, using: &random))")
                    if waits {
                        _ = try await eventually(within: .seconds(10)) {
                            try await store.value("SELECT count(*) AS count FROM line_entries", as: Int.self) > 0
                        }
                        try await present(.online)
                    }
                    // What it was to do may be done before that point is passed so often: then more comes.
                    var attempts = 0
                    while try await !eventually(within: .seconds(1), { process.hasEnded }), attempts < 10 {
                        attempts += 1
                        _ = try await combiner.accept([scenario.message("c\(contacts)")], in: scenario.workspace)
                        contacts += 1
                    }
                    if !process.hasEnded { await process.kill() }
                    #expect(attempts < 10, "\(point) was not passed")
                    #expect(await process.ended() == .signal(SIGKILL))
                    let leased = try await leasedEffects(store)
                    // At the first it had, by what it is, an open transaction; at the others only what is seen counts.
                    if point == "run.before_commit" || leased > 0 { hits[point, default: 0] += 1 }
                } else {
                    let process = try WorkerProcess(database: url)
                    _ = try await eventually(within: .seconds(10)) { try await holds(store) }
                    try await Task.sleep(for: .milliseconds(Int.random(in: 5...200, using: &random)))
                    process.freeze()
                    let held = try await holds(store)
                    await process.kill()
                    if held { hits["random", default: 0] += 1 }
                }
                // Only the waiting for leases is cut short; that they run out is what saves the work.
                #expect(try await eventually(within: .seconds(10)) { try await workerTransactions(store) == 0 })
                try await store.execute("UPDATE outbox SET lease_until = now() WHERE lease_until > now()")
            }
            let total = hits.values.reduce(0, +)
            #expect(total >= Self.wanted, "\(hits) of \(kills) kills hit")
            print("crash test: \(kills) kills, \(total) of a worker that held work: \(hits); \(contacts) conversations")

            let last = try WorkerProcess(database: url)
            let finished = try await eventually(within: .seconds(120)) {
                try await store.value(
                    """
                    SELECT (SELECT count(*) FROM runs WHERE status IN ('candidate', 'active'))
                        + (SELECT count(*) FROM outbox WHERE status <> 'sent') AS left
                    """) == 0
            }
            #expect(await last.stop() == .exit(0))
            #expect(finished)
            try await scenario.requireConsistency()
            for (what, sql, count) in [
                ("runs", "SELECT count(*) AS count FROM runs WHERE status = 'completed'", contacts),
                ("run.started", "SELECT count(*) AS count FROM events WHERE type = 'run.started'", contacts),
                ("run.ended", "SELECT count(*) AS count FROM events WHERE type = 'run.ended'", contacts),
                ("assignments", "SELECT count(*) AS count FROM assignments WHERE kind = 'assignment'", contacts),
                (
                    "transfers", "SELECT count(*) AS count FROM assignments WHERE kind IN ('transfer', 'unassignment')",
                    0
                ),
                (
                    "assigned",
                    "SELECT count(DISTINCT conversation_id) AS count FROM assignments WHERE kind = 'assignment'",
                    contacts
                ),
                ("comments", "SELECT count(*) AS count FROM comments", contacts),
                ("incoming", "SELECT count(*) AS count FROM messages WHERE direction = 'incoming'", contacts),
                (
                    "outgoing",
                    "SELECT count(*) AS count FROM messages WHERE direction = 'outgoing' AND status = 'sent'",
                    2 * contacts
                ),
                ("message.sent", "SELECT count(*) AS count FROM events WHERE type = 'message.sent'", 2 * contacts),
                ("signals", "SELECT count(*) AS count FROM run_signals", 0),
                ("entries", "SELECT count(*) AS count FROM line_entries", 0),
            ] {
                #expect(try await store.value(sql, as: Int.self) == count, "\(what)")
            }
            let keys = try await store.rows("SELECT key FROM outbox").map { try $0.decode("key", as: String.self) }
            let delivered = Dictionary(grouping: channel.deliveries, by: \.key)
            #expect(Set(delivered.keys) == Set(keys) && keys.count == 2 * contacts)
            #expect(delivered.values.allSatisfy { Set($0.map(\.body)).count == 1 })
        }
        await channel.stop()
    }

    /// Whether the worker, which may be frozen, has an uncommitted transaction or effects under a lease.
    private func holds(_ store: Store) async throws -> Bool {
        if try await workerTransactions(store) > 0 { return true }
        return try await leasedEffects(store) > 0
    }

    private func leasedEffects(_ store: Store) async throws -> Int {
        try await store.value(
            "SELECT count(*) AS count FROM outbox WHERE status = 'pending' AND lease_until > statement_timestamp()")
    }

    /// Transactions of other processes that have written or wait to go on.
    private func workerTransactions(_ store: Store) async throws -> Int {
        try await store.value(
            """
            SELECT count(*) AS count FROM pg_stat_activity WHERE datname = current_database()
                AND application_name = 'switchboard' AND (backend_xid IS NOT NULL OR state LIKE 'idle in transaction%')
            """)
    }
}

/// SplitMix64: the same choices in every run, though not the same moments.
private struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
