import Foundation
import Store
import TestKit
import Testing

/// Where no foreign key stands, the checks see what it would have refused.
@Suite("References without foreign keys")
struct ReferencesTests {
    /// What each orphan is called, and how it comes about. `$1` is the workspace.
    private static let orphans: [(what: String, sql: String)] = [
        (
            "a contact whose last agent is missing",
            "contacts (workspace_id, id, last_assignee_id) VALUES ($1, gen_random_uuid(), gen_random_uuid())"
        ),
        (
            "an identity whose channel is missing",
            """
            identities (workspace_id, channel_id, external_id, contact_id)
            SELECT $1, gen_random_uuid(), 'x', id FROM contacts WHERE workspace_id = $1 LIMIT 1
            """
        ),
        (
            "an identity whose contact is missing",
            """
            identities (workspace_id, channel_id, external_id, contact_id)
            SELECT $1, id, 'y', gen_random_uuid() FROM channels WHERE workspace_id = $1
            """
        ),
        ("a conversation whose contact is missing", conversation("contact_id", contact: "gen_random_uuid()")),
        ("a conversation whose channel is missing", conversation("channel_id")),
        ("a conversation whose team is missing", conversation("team_id")),
        ("a conversation whose agent is missing", conversation("assignee_id")),
        (
            "a message whose conversation is missing",
            """
            messages (workspace_id, id, conversation_id, contact_id, direction, source, text, status, sent_at, created_at)
            SELECT $1, gen_random_uuid(), gen_random_uuid(), id, 'incoming', 'contact', 'x', 'received', now(), now()
            FROM contacts WHERE workspace_id = $1 LIMIT 1
            """
        ),
        (
            "a receipt whose channel is missing",
            """
            message_receipts (workspace_id, channel_id, external_hash, message_id, opened, request_id)
            VALUES ($1, gen_random_uuid(), 'x', gen_random_uuid(), false, gen_random_uuid())
            """
        ),
        (
            "a comment whose conversation is missing",
            """
            comments (workspace_id, id, conversation_id, source, text, created_at)
            VALUES ($1, gen_random_uuid(), gen_random_uuid(), 'api', 'x', now())
            """
        ),
        (
            "a run whose workflow version is missing",
            """
            runs (workspace_id, id, workflow_id, workflow_version, contact_id, conversation_id)
            SELECT $1, gen_random_uuid(), workflow_id, 77, contact_id, conversation_id
            FROM runs WHERE workspace_id = $1 LIMIT 1
            """
        ),
        (
            "a run whose conversation is missing",
            """
            runs (workspace_id, id, workflow_id, workflow_version, contact_id, conversation_id)
            SELECT $1, gen_random_uuid(), workflow_id, 1, contact_id, gen_random_uuid()
            FROM runs WHERE workspace_id = $1 LIMIT 1
            """
        ),
        (
            "an entry of a line whose conversation is missing",
            """
            line_entries (workspace_id, conversation_id, id, line_id, priority, queued_at, entered_at, strategy, source)
            SELECT $1, gen_random_uuid(), gen_random_uuid(), id, 1, now(), now(), 'round_robin', 'api'
            FROM lines WHERE workspace_id = $1 LIMIT 1
            """
        ),
        (
            "an assignment whose conversation is missing",
            """
            assignments (workspace_id, id, conversation_id, kind, occurred_at, source, via)
            VALUES ($1, gen_random_uuid(), gen_random_uuid(), 'team', now(), 'api', 'direct')
            """
        ),
    ]

    private static func conversation(_ column: String, contact: String = "id") -> String {
        let own = column == "contact_id" ? ("", "") : (", \(column)", ", gen_random_uuid()")
        return """
            conversations
                (workspace_id, id, contact_id, source, status, closed_at, opened_at, last_event_at\(own.0))
            SELECT $1, gen_random_uuid(), \(contact), 'api', 'closed', now(), now(), now()\(own.1)
            FROM contacts WHERE workspace_id = $1 LIMIT 1
            """
    }

    @Test("an orphan of each relation is named")
    func orphansAreNamed() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let other = try await Scenario(store)
            let (team, _) = try await scenario.team(limits: [1])
            try await scenario.publishAssign(to: team)
            for scenario in [scenario, other] {
                _ = try await store.write { [workspace = scenario.workspace] in
                    try $0.ingest([scenario.message("a")], requestID: UUID(), in: workspace)
                }
            }
            #expect(try await store.violations(in: scenario.workspace) == [])
            var planted: Set<String> = []
            for orphan in Self.orphans {
                try await store.execute("INSERT INTO \(orphan.sql)", [scenario.workspace])
                planted.insert(orphan.what)
                let found = try await store.violations(in: scenario.workspace).filter { $0.what.hasSuffix(" missing") }
                #expect(Set(found.map(\.what)) == planted)
                #expect(found.allSatisfy { $0.count == 1 }, "\(found)")
            }
            #expect(try await store.violations(in: other.workspace) == [])

            #expect(try await store.violationsOutsideWorkspaces() == [])
            try await store.execute(
                "INSERT INTO contacts (workspace_id, id) VALUES (gen_random_uuid(), gen_random_uuid())")
            #expect(
                try await store.violationsOutsideWorkspaces().map(\.description) == [
                    "1 × a contact whose workspace is missing"
                ])
        }
    }

    /// Among what is written with each message and run; whoever adds a column that names a row adds a check instead.
    @Test("one foreign key stands on the tables that are written all the time")
    func keys() async throws {
        try await withTestStore { store, _ in
            let hot = try await store.rows(
                """
                SELECT c.relname::text AS name FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
                WHERE k.contype = 'f' AND c.relname IN ('contacts', 'identities', 'conversations', 'messages',
                    'message_receipts', 'comments', 'events', 'runs', 'run_signals', 'run_log', 'line_entries',
                    'line_marks', 'decisions', 'assignments', 'outbox', 'idempotency_keys')
                ORDER BY 1
                """)
            #expect(try hot.map { try $0.decode("name", as: String.self) } == ["line_entries"])
        }
    }

    /// No foreign key refuses it, so ingest does.
    @Test("a message by a channel that the workspace has not is refused, its neighbours are not")
    func unknownChannel() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let other = try await Scenario(store)
            let results = try await store.write { [workspace = scenario.workspace] in
                try $0.ingest(
                    [scenario.message("a"), other.message("b"), scenario.message("c")], requestID: UUID(),
                    in: workspace)
            }
            #expect(results.map(\.status) == [.accepted, .rejected, .accepted])
            #expect(results[1].errors.map(\.code) == ["unknown-reference"])
            #expect(try await store.value("SELECT count(*) AS count FROM contacts") == 2)
            #expect(try await store.value("SELECT count(*) AS count FROM identities") == 2)
            try await scenario.requireConsistency()
        }
    }
}
