import Core
import Engine
import Foundation
import Postgres
import Store
import TestKit
import Testing

/// S24: forgetting a person.
@Suite struct ErasureTests {
    private static let agentName = "Ana"

    @Test("S24: what was erased is nowhere in the database", .timeLimit(.minutes(15)))
    func erased() async throws {
        let channel = try FakeChannel { delivery in .status(503, body: #"{"error": "cannot take \#(delivery.text)"}"#) }
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store, channelURL: channel.url)
            let (team, agents) = try await scenario.team(limits: [nil], presence: .offline)
            let marker = "xyzzy"
            try await scenario.publish(steps: [
                [
                    "id": "keep", "type": "update_contact_field", "field": "topic", "value": "{{message.text}}",
                    "next": "note",
                ],
                [
                    "id": "note", "type": "add_comment", "text": "{{contact.name}} says {{message.text}}",
                    "next": "greet",
                ],
                ["id": "greet", "type": "send_message", "text": "You said {{message.text}}", "next": "to"],
                ["id": "to", "type": "assign", "target": ["team_id": .id(team)], "next": .null],
            ])
            let event = InboundEvent(
                channelID: scenario.channel,
                message: InboundMessage(
                    messageID: "m-\(marker)", externalID: "e-\(marker)",
                    profile: ContactProfile(name: "N \(marker)", email: "\(marker)@example.com", phone: "+1 \(marker)"),
                    text: "My secret is \(marker)"))
            let combiner = IngestCombiner(store: store, logger: TestDatabase.silentLogger, maximumWait: .seconds(600))
            let conversation = try #require(
                try await combiner.accept([event], in: scenario.workspace)[0].conversationID)
            let agent = Caller(source: .agent, actor: Actor(kind: "agent", id: agents[0], name: Self.agentName))
            try await withWorkers([store]) {
                try await withEffects(store) {
                    let echoed = try await eventually {
                        try await store.value("SELECT count(*) AS count FROM outbox WHERE error LIKE '%\(marker)%'")
                            == 1
                    }
                    #expect(echoed)
                }
            }
            let contact: UUID = try await store.value(
                "SELECT contact_id FROM conversations WHERE id = $1", [conversation])
            try await store.write {
                try $0.patchConversation(
                    conversation, priority: nil, subject: .value("About \(marker)"),
                    custom: .value(["note": .string(marker)]),
                    by: agent, in: scenario.workspace)
                _ = try $0.sendMessage("We know \(marker)", in: conversation, by: agent, workspace: scenario.workspace)
                _ = try $0.addComment("Mind \(marker)", in: conversation, by: agent, workspace: scenario.workspace)
                _ = try $0.addTag("t-\(marker)", toContact: contact, by: agent, in: scenario.workspace)
            }
            // Closed with a summary, and another one open.
            try await store.write {
                try $0.closeConversation(
                    conversation, category: nil, summary: "It was \(marker)", by: agent, in: scenario.workspace)
            }
            try await store.execute(
                "UPDATE runs SET state = jsonb_set(state, '{variables}', '{\"answer\": \"\(marker)\"}')")
            _ = try await combiner.accept(
                [scenario.message("e-\(marker)", "Again \(marker)", id: "2-\(marker)")], in: scenario.workspace)
            // A blocked contact's message belongs to no conversation.
            try await store.execute("UPDATE contacts SET blocked = true")
            #expect(
                try await combiner.accept(
                    [scenario.message("e-\(marker)", "More \(marker)", id: "3-\(marker)")], in: scenario.workspace)[0]
                    .opened == false)
            try await store.execute(
                """
                INSERT INTO idempotency_keys (workspace_id, caller, key, operation, fingerprint, status, response, about)
                VALUES ($1, 'key', 'k1', 'POST', '', 201, '{"text": "\(marker)"}', $2), ($1, 'key', 'k2', 'POST', '', 201, '{"text": "\(marker)"}', $3)
                """, [scenario.workspace, conversation, contact])
            #expect(try await places(of: marker, in: store).count >= 8)
            try await store.write { try $0.eraseContact(contact, by: agent, in: scenario.workspace) }
            #expect(try await places(of: marker, in: store) == [])
            // The facts stay, and the next message is a stranger's.
            #expect(
                try await store.value(
                    "SELECT count(*) AS count FROM conversations WHERE erased_at IS NOT NULL AND status = 'closed'")
                    == 2)
            let again = try await combiner.accept([scenario.message("e-\(marker)", "New")], in: scenario.workspace)[0]
            #expect(again.opened)
            try await withWorkers([store]) {
                let judged = try await eventually {
                    try await store.value("SELECT count(*) AS count FROM runs WHERE status = 'candidate'") == 0
                }
                #expect(judged)
            }
            try await scenario.requireConsistency()
        }
        await channel.stop()
    }

    /// Tables with a row in which the text stands, in whatever column.
    private func places(of text: String, in store: Store) async throws -> [String] {
        let tables = try await store.rows(
            "SELECT relname::text AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
        ).map { try $0.decode("name", as: String.self) }
        var found: [String] = []
        for table in tables {
            if try await store.value(
                "SELECT EXISTS (SELECT FROM \(table) t WHERE t::text ILIKE '%\(text)%') AS found", as: Bool.self)
            {
                found.append(table)
            }
        }
        return found
    }
}
