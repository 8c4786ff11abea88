import API
import Core
import Foundation
import Postgres
import Store
import TestKit
import Testing

/// Every administrative change leaves its entry, and nothing else does.
@Suite struct AuditLogTests {
    @Test func whoWhatBeforeAfterFromWhere() async throws {
        try await withAPI(worker: false) { api in
            let owner = api.a.owner
            let agent = try await owner.with("X-Request-Id", "audit-1").post(
                "/v1/agents", ["name": "Ana", "email": "ana@example.com"]
            ).expect(201).id
            try await owner.patch("/v1/agents/\(agent)", ["name": "Anna", "max_open": 7]).expect(200)
            // Neither what changes nothing nor the daily work.
            try await owner.patch("/v1/agents/\(agent)", ["name": "Anna"]).expect(200)
            try await owner.put("/v1/agents/\(agent)/presence", ["presence": "online"]).expect(200)
            let entries = try await owner.get("/v1/audit-log?target_id=\(agent)").expect(200).items
            #expect(entries.map { $0["action"] } == ["agent.updated", "agent.created"])
            let (updated, created) = (try #require(entries.first), try #require(entries.last))
            #expect(updated["before"]?.sorted == ["max_open": .null, "name": "Ana"])
            #expect(updated["after"]?.sorted == ["max_open": 7, "name": "Anna"])
            #expect(updated["target"] == ["type": "agent", "id": .string(agent), "name": "Anna"])
            #expect(created["before"] == .null && created["after"]?["email"] == "ana@example.com")
            #expect(created["request_id"] == "audit-1" && created["address"] == "127.0.0.1")
            let key = try await owner.get("/v1/api-keys").expect(200).items[0]
            #expect(created["actor"]?.sorted == ["id": .string(try key.id), "name": "Owner", "type": "key"])
            // On behalf of an agent: both are named.
            try await api.a.acting(agent).post("/v1/teams", ["name": "Cards"]).expect(201)
            let team = try #require(try await owner.get("/v1/audit-log?actor_id=\(agent)").expect(200).items.first)
            #expect(team["action"] == "team.created" && team["actor"]?["type"] == "agent")
            #expect(team["actor"]?["key"]?.sorted == ["id": .string(try key.id), "name": "Owner"])
        }
    }

    @Test func everyKindOfChange() async throws {
        try await withAPI(worker: false) { api in
            let a = api.a.owner
            let agent = try await api.a.agent()
            let team = try await api.a.team("Cards", [agent])
            try await a.patch("/v1/teams/\(team)", ["name": "Card questions"]).expect(200)
            try await a.delete("/v1/teams/\(team)/members/\(agent)").expect(204)
            try await a.delete("/v1/teams/\(team)").expect(204)
            try await a.post("/v1/channels/\(api.a.channel)/token").expect(200)
            try await a.post("/v1/contact-fields", ["name": "plan"]).expect(201)
            try await a.delete("/v1/contact-fields/plan").expect(204)
            let category = try await a.post("/v1/closing-categories", ["name": "Fraud"]).expect(201).id
            try await a.delete("/v1/closing-categories/\(category)").expect(204)
            let other = try await api.a.team("Money")
            let workflow = try await api.a.workflow([Tenant.assign(other)])
            try await a.post("/v1/workflows/\(workflow)/publish").expect(200)
            try await a.post("/v1/workflows/\(workflow)/stop").expect(200)
            let key = try await a.post("/v1/api-keys", ["name": "x", "role": "viewer"]).expect(201).id
            try await a.patch("/v1/api-keys/\(key)", ["scopes": ["reports:read"]]).expect(200)
            try await a.post("/v1/api-keys/\(key)/rotate").expect(200)
            try await a.delete("/v1/api-keys/\(key)").expect(204)
            try await api.operators.patch("/v1/workspaces/\(api.a.id)", ["closing_note": "category"]).expect(200)

            func actions(_ target: String) async throws -> [String] {
                try await a.get("/v1/audit-log?target_id=\(target)").expect(200).items
                    .compactMap { $0["action"]?.string }.reversed()
            }
            #expect(
                try await actions(team) == [
                    "team.created", "team.member_added", "team.updated", "team.member_removed", "team.deleted",
                ])
            #expect(try await actions(api.a.channel) == ["channel.created", "channel.token_rotated"])
            #expect(try await actions("plan") == ["contact_field.created", "contact_field.deleted"])
            #expect(try await actions(category) == ["closing_category.created", "closing_category.deleted"])
            #expect(try await actions(workflow) == ["workflow.created", "workflow.published", "workflow.stopped"])
            #expect(
                try await actions(key) == ["api_key.created", "api_key.updated", "api_key.rotated", "api_key.revoked"])
            #expect(try await actions(api.a.id) == ["workspace.created", "workspace.updated"])
            let newest = try await a.get("/v1/audit-log?limit=1").expect(200).items[0]
            #expect(newest["actor"]?["type"] == "operator")
            #expect(newest["before"] == ["closing_note": "off"] && newest["after"] == ["closing_note": "category"])
            // Nothing of a secret, and no whole definitions.
            let all = try await api.store.rows("SELECT string_agg(l::text, ' ') AS text FROM audit_log l")
            let text = try #require(try all.first?.decode("text", as: String?.self))
            #expect(!text.contains("hash") && !text.contains("\\x") && !text.contains("\"steps\""))
            #expect(text.contains("definition_sha256"))
        }
    }

    @Test func filtersAndPages() async throws {
        try await withAPI(worker: false) { api in
            let a = api.a.owner
            for index in 0..<5 { _ = try await api.a.team("Team \(index)") }
            var seen: [String] = []
            var cursor = ""
            repeat {
                let page = try await a.get("/v1/audit-log?limit=2&action=team.created\(cursor)").expect(200)
                seen += page.items.compactMap { $0["target"]?["name"]?.string }
                cursor = page["next_cursor"]?.string.map { "&cursor=\($0)" } ?? ""
            } while !cursor.isEmpty
            #expect(seen == (0..<5).reversed().map { "Team \($0)" })
            let entries = try await a.get("/v1/audit-log?action=team.created").expect(200).items
            let (from, to) = (
                try #require(entries[3]["occurred_at"]?.string), try #require(entries[0]["occurred_at"]?.string)
            )
            let window = try await a.get("/v1/audit-log?action=team.created&from=\(from)&to=\(to)").expect(200).items
            // Windows are of milliseconds, as ids are.
            #expect(window.count >= 3 && window.count <= 5 && window.contains(entries[2]))
            #expect(try await a.get("/v1/audit-log?to=2001-01-01T00:00:00Z").expect(200).items == [])
            #expect(try await a.get("/v1/audit-log?actor_id=\(UUID().lowercased)").expect(200).items == [])
            try await a.get("/v1/audit-log?target_id=x&action=y&from=z&actor=1").refused(
                400, "bad-query",
                ["target_id not-allowed", "from invalid-format", "actor unknown-parameter"])
            for role in ["agent", "viewer"] {
                try await api.a.client(role).get("/v1/audit-log").refused(403, "insufficient-role")
            }
            // What is B's is not there.
            let b = try await api.tenant("B")
            #expect(!(try await b.owner.get("/v1/audit-log").expect(200).items.contains { entries.contains($0) }))
        }
    }

    /// The API's role reads the log and writes it through changes alone; nobody's transaction is told of another's actor.
    @Test func theLogIsOnlyAddedTo() async throws {
        try await withAPI(worker: false) { api in
            let workspace = try #require(UUID(uuidString: api.a.id))
            for sql in [
                "UPDATE audit_log SET action = 'x' WHERE workspace_id = $1",
                "DELETE FROM audit_log WHERE workspace_id = $1",
                """
                INSERT INTO audit_log (workspace_id, id, occurred_at, actor, action, target_type, target_id, target_name)
                VALUES ($1, $1, now(), '{}', 'x', 'x', 'x', 'x')
                """,
            ] {
                do {
                    try await api.apiStore.execute(sql, [workspace])
                    Issue.record("was allowed: \(sql)")
                } catch let error as PostgresError {
                    #expect(error.sqlState?.rawValue == "42501", "\(sql): \(error)")
                }
            }
            // Without a context it was the system.
            _ = try await api.store.write { try $0.createTeam(name: "By hand", by: .system, in: workspace) }
            let newest = try await api.a.owner.get("/v1/audit-log?limit=1").expect(200).items[0]
            #expect(
                newest["actor"] == ["type": "system"] && newest["address"] == .null && newest["request_id"] == .null)
        }
    }

    /// A new column of an audited table is shown, or left out on purpose.
    @Test func noColumnIsForgotten() async throws {
        let leftOut: [String: Set<String>] = [
            "agents": ["presence", "presence_changed_at", "open_count", "turn"],
            "team_members": ["turn"],
            "channels": [], "teams": [], "contact_fields": [], "closing_categories": [], "workspaces": [],
            "workflows": ["last_version"],
            "api_keys": ["last_used_at", "previous_secret_hash"],
        ]
        let everywhere: Set<String> = ["workspace_id", "id", "version", "created_at", "updated_at", "team_id"]
        try await withTestStore { store, _ in
            let rows = try await store.rows(
                """
                SELECT t.tgrelid::regclass::text AS name, array_agg(a.attname::text) AS columns,
                    encode(t.tgargs, 'escape') AS arguments
                FROM pg_trigger t JOIN pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum > 0 AND NOT a.attisdropped
                    AND NOT a.attnum = ANY (t.tgattr::int2[])
                WHERE t.tgname = 'audit' GROUP BY 1, t.tgargs
                """)
            #expect(rows.count == leftOut.count)
            for row in rows {
                let table: String = try row.decode("name")
                let arguments: String = try row.decode("arguments")
                let shown = Set(arguments.split { " =\\0".contains($0) }.map(String.init))
                let columns: [String] = try row.decode("columns")
                let forgotten = Set(columns).subtracting(everywhere).subtracting(leftOut[table] ?? []).subtracting(
                    shown)
                #expect(forgotten == [], "\(table)")
            }
        }
    }
}
