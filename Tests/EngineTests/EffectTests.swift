import Core
import Engine
import Foundation
import HTTPClient
import Postgres
import ServiceLifecycle
import Store
import Synchronization
import TestKit
import Testing

/// Runs an effect worker while `body` runs, then shuts it down as the process would.
func withEffects<Value: Sendable>(
    _ store: Store, isolation: isolated (any _Concurrency.Actor)? = #isolation, _ body: () async throws -> Value
) async throws -> Value {
    let client = HTTPClient(
        configuration: HTTPClientConfiguration(allowPrivateNetworks: true, maximumConnectionsPerHost: 256))
    let worker = EffectWorker(store: store, client: client, logger: TestDatabase.silentLogger)
    let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(services: [.init(service: worker)], logger: TestDatabase.silentLogger))
    let running = Task { try await group.run() }
    func end() async {
        await group.triggerGracefulShutdown()
        _ = try? await running.value
        await client.close()
    }
    do {
        let value = try await body()
        await end()
        return value
    } catch {
        await end()
        throw error
    }
}

/// The outbox on a real receiver.
@Suite struct EffectTests {
    @Test("at least once, the same key and body each time, in order per conversation", .timeLimit(.minutes(15)))
    func deliveries() async throws {
        // Every fourth key is answered badly at first, in three ways.
        let channel = try FakeChannel { delivery in
            guard delivery.attempt == 1, let last = delivery.key.utf8.last, last % 4 == 0 else {
                return .late(.milliseconds(5), status: 200)
            }
            return last % 12 == 0 ? .hangUp : last % 8 == 0 ? .status(429, body: "slow down") : .status(503)
        }
        try await withTestStore { store, url in
            let (scenario, conversations) = try await opened(store, channel, 8)
            let other = try await openTestStore(url)
            var sent: [UUID: [UUID]] = [:]
            try await withEffects(store) {
                try await withEffects(other) {
                    for round in 0..<5 {
                        for conversation in conversations {
                            let id = try await store.write {
                                try $0.sendMessage(
                                    "Round \(round) — “ñ\n”", in: conversation, by: Scenario.caller,
                                    workspace: scenario.workspace)
                            }
                            sent[conversation, default: []].append(id)
                        }
                    }
                    let all = try await eventually(within: .seconds(60)) {
                        try await store.value("SELECT count(*) AS count FROM outbox WHERE status = 'sent'") == 40
                    }
                    #expect(all)
                }
            }
            await other.database.close()
            let token: String = try await store.value("SELECT token FROM channel_secrets")
            let deliveries = channel.deliveries
            let keys = Set(
                try await store.rows("SELECT key FROM outbox").map { try $0.decode("key", as: String.self) })
            #expect(Set(deliveries.map(\.key)) == keys && keys.count == 40)
            #expect(Set(deliveries.map(\.token)) == [token])
            #expect(Set(Dictionary(grouping: deliveries, by: \.key).map { Set($0.value.map(\.body)).count }) == [1])
            #expect(deliveries.count > 40, "nothing was repeated")
            var arrived: [UUID: [UUID]] = [:]
            for delivery in deliveries {
                let body = try JSON.parse(delivery.body)
                let conversation = try #require(body["conversation_id"]?.string.flatMap(UUID.init(uuidString:)))
                let message = try #require(body["message_id"]?.string.flatMap(UUID.init(uuidString:)))
                if arrived[conversation]?.last != message { arrived[conversation, default: []].append(message) }
                #expect(body["contact"]?["external_id"]?.string?.hasPrefix("c") == true)
            }
            #expect(arrived == sent, "a message overtook an earlier one, or came back after a later one")
            #expect(
                try await store.value(
                    "SELECT count(*) AS count FROM messages WHERE direction = 'outgoing' AND status = 'sent'") == 40)
            #expect(
                try await store.value("SELECT count(*) AS count FROM events WHERE type = 'message.delivered'") == 40)
            try await scenario.requireConsistency()
        }
        await channel.stop()
    }

    @Test(
        "a refusal for good fails the message, with an event, and lets the next one through", .timeLimit(.minutes(15)))
    func refused() async throws {
        let channel = try FakeChannel {
            // With the quotes: "bad" alone is also a part of one id in fifty.
            $0.text.contains("\"bad\"") ? .status(410, body: #"{"error": "gone"}"#) : .status(204)
        }
        try await withTestStore { store, _ in
            let (scenario, conversations) = try await opened(store, channel, 1)
            let ids = try await store.write { tx in
                try ["bad", "good"].map {
                    try tx.sendMessage($0, in: conversations[0], by: Scenario.caller, workspace: scenario.workspace)
                }
            }
            try await withEffects(store) {
                let settled = try await eventually {
                    try await store.value("SELECT count(*) AS count FROM outbox WHERE status = 'pending'") == 0
                }
                #expect(settled)
            }
            let messages = try await store.rows(
                "SELECT id, status, error FROM messages WHERE direction = 'outgoing' ORDER BY id")
            #expect(try messages.map { try $0.decode("id", as: UUID.self) } == ids)
            #expect(try messages.map { try $0.decode("status", as: String.self) } == ["failed", "sent"])
            #expect(try messages[0].decode("error", as: String.self).contains("gone"))
            #expect(channel.deliveries.map(\.attempt) == [1, 1])
            let failed = try await store.rows("SELECT data FROM events WHERE type = 'message.failed'")
            #expect(failed.count == 1)
            #expect(
                try JSON.parse(Array(failed[0].decode("data", as: String.self).utf8))["message_id"]?.string
                    == ids[0].uuidString.lowercased())
            try await scenario.requireConsistency()
        }
        await channel.stop()
    }

    @Test("after a day of failing it is dead, and its key is not used again", .timeLimit(.minutes(15)))
    func expired() async throws {
        let channel = try FakeChannel { _ in .status(500, body: "no") }
        try await withTestStore { store, _ in
            let (scenario, conversations) = try await opened(store, channel, 1)
            _ = try await store.write {
                try $0.sendMessage("Hello", in: conversations[0], by: Scenario.caller, workspace: scenario.workspace)
            }
            try await withEffects(store) {
                #expect(
                    try await eventually {
                        try await store.value(
                            "SELECT count(*) AS count FROM outbox WHERE attempts = 1 AND error IS NOT NULL") == 1
                    })
                // Never sooner than a second, never at once again.
                #expect(
                    try await store.value(
                        "SELECT next_at > settled.at + interval '0.5 seconds' AS later FROM outbox, (SELECT max(created_at) AS at FROM outbox) settled"
                    ))
                try await store.execute(
                    "UPDATE outbox SET created_at = created_at - interval '24 hours', expires_at = expires_at - interval '24 hours', next_at = now()"
                )
                #expect(
                    try await eventually {
                        try await store.value("SELECT count(*) AS count FROM outbox WHERE status = 'dead'") == 1
                    })
            }
            #expect(channel.deliveries.map(\.attempt) == [1, 2])
            #expect(
                try await store.value(
                    "SELECT count(*) AS count FROM messages WHERE status = 'failed' AND error LIKE 'given up%'") == 1)
            #expect(
                try await store.value(
                    "SELECT count(*) AS count FROM events WHERE type = 'message.failed' AND data ->> 'attempts' = '2'")
                    == 1)
            try await scenario.requireConsistency()
        }
        await channel.stop()
    }

    @Test(
        "a channel that never answers delays no other, not even behind the same host and port", .timeLimit(.minutes(15))
    )
    func neighbours() async throws {
        let gate = Gate()
        let channel = try FakeChannel { delivery in
            guard delivery.text.contains("stuck") else { return .status(200) }
            gate.wait()
            return .status(200)
        }
        try await withTestStore { store, _ in
            let (scenario, stuck) = try await opened(store, channel, 70)
            let other = Scenario(
                store: store, workspace: scenario.workspace,
                channel: try await store.write {
                    try $0.createChannel(name: "Other", kind: .custom, url: channel.url, in: scenario.workspace)
                        .channel.id
                })
            let quick = try await opened(other, 5)
            func say(_ text: String, _ conversations: [UUID]) async throws {
                try await store.write { tx in
                    for id in conversations {
                        _ = try tx.sendMessage(text, in: id, by: Scenario.caller, workspace: scenario.workspace)
                    }
                }
            }
            func settled() async throws -> Int {
                try await store.value("SELECT count(*) AS count FROM outbox WHERE status = 'sent'")
            }
            try await withEffects(store) {
                try await say("stuck", stuck)
                let hangs = try await eventually { channel.deliveries.count == 32 }
                #expect(hangs, "\(channel.deliveries.count) under way")
                try await say("quick", quick)
                let wereSent = try await eventually(within: .seconds(5)) { try await settled() == 5 }
                #expect(wereSent)
                // One channel never has more than its share.
                #expect(channel.deliveries.count == 32 + 5)
                gate.open()
                let all = try await eventually { try await settled() == 75 }
                #expect(all)
            }
            #expect(Set(channel.deliveries.map(\.key)).count == 75)
            try await scenario.requireConsistency()
        }
        await channel.stop()
    }

    @Test("what was claimed and not sent is given back at the end, and was no attempt", .timeLimit(.minutes(15)))
    func givenBack() async throws {
        let gate = Gate()
        let channel = try FakeChannel { _ in
            gate.wait()
            return .status(200)
        }
        try await withTestStore { store, _ in
            let (scenario, conversations) = try await opened(store, channel, 50)
            try await withEffects(store) {
                _ = try await store.write { tx in
                    for id in conversations {
                        _ = try tx.sendMessage("Hello", in: id, by: Scenario.caller, workspace: scenario.workspace)
                    }
                }
                let hangs = try await eventually { channel.deliveries.count == 32 }
                #expect(hangs)
                // Once the worker has been told to stop.
                gate.open(after: .milliseconds(500))
            }
            #expect(channel.deliveries.count == 32)
            #expect(try await store.value("SELECT count(*) AS count FROM outbox WHERE status = 'sent'") == 32)
            #expect(
                try await store.value(
                    """
                    SELECT count(*) AS count FROM outbox
                    WHERE status = 'pending' AND attempts = 0 AND lease_until IS NULL AND error IS NULL
                    """) == 18)
            try await withEffects(store) {
                let all = try await eventually {
                    try await store.value("SELECT count(*) AS count FROM outbox WHERE status = 'sent'") == 50
                }
                #expect(all)
            }
            #expect(channel.deliveries.count == 50)
            try await scenario.requireConsistency()
        }
        await channel.stop()
    }

    /// Open conversations of a workspace whose channel is `channel`.
    private func opened(_ store: Store, _ channel: FakeChannel, _ count: Int) async throws -> (Scenario, [UUID]) {
        let scenario = try await Scenario(store, channelURL: channel.url)
        return (scenario, try await opened(scenario, count))
    }

    private func opened(_ scenario: Scenario, _ count: Int) async throws -> [UUID] {
        let store = scenario.store
        let combiner = IngestCombiner(store: store, logger: TestDatabase.silentLogger, maximumWait: .seconds(600))
        let results = try await combiner.accept((0..<count).map { scenario.message("c\($0)") }, in: scenario.workspace)
        return results.compactMap(\.conversationID)
    }
}
