import API
import Core
import Foundation
import Store
import TestKit
import Testing

/// One workspace is not there for another, operation by operation.
@Suite struct IsolationTests {
    /// A key of A against every id of B, wherever an operation takes one. A new operation, a new id in a query or a new list
    /// fails here until it has its line.
    @Test(.timeLimit(.minutes(5))) func anotherWorkspacesIdsAreNotThere() async throws {
        try await withAPI { api in
            let b = try await api.tenant("B")
            let (mine, theirs) = (try await Belongings(api.a, api), try await Belongings(b, api))
            let cursors = try await self.cursors(of: theirs, api)
            let before = try await settled(b, api)
            var lines: [String] = []
            for route in api.routes {
                let probes = self.probes(route, mine, theirs, cursor: cursors[route.operationID])
                #expect(
                    !probes.isEmpty || Self.takesNone[route.operationID] != nil,
                    "\(route.operationID) has no line in the isolation table")
                // What a channel calls somebody is no id of ours; it is looked up together with `channel_id`.
                for name in route.query where name.hasSuffix("_id") && name != "external_id" {
                    #expect(
                        probes.contains { $0.place.contains("`\(name)`") } || Self.takesNone[route.operationID] != nil,
                        "\(route.operationID): `\(name)` is not tried")
                }
                for probe in probes { try await check(probe, route, api, theirs) }
                if case .requires(let permission) = route.access, permission != .operate {
                    let path = filled(route.path, mine.ids)
                    try await api.a.acting(theirs.agent).send(route.method.rawValue, path)
                        .refused(422, "unknown-actor", ["X-Agent-Id unknown-reference"], route.operationID)
                }
                let told = probes.isEmpty ? ["– \(Self.takesNone[route.operationID] ?? "")"] : probes.map(\.told)
                lines.append("| `\(route.operationID)` | \(told.joined(separator: "<br>")) |")
            }
            #expect(try await api.fingerprint(b) == before)
            #expect(lines.count > 60)
            let table = (["| operation | where an id of B was tried: answer |", "|---|---|"] + lines)
                .joined(separator: "\n")
            print(table)
            #expect(
                try GeneratedSection("docs/isolation.md", "operations").holds(table),
                "docs/isolation.md is out of date; SWITCHBOARD_WRITE_DOCS=1 writes it anew")
        }
    }

    /// Operations that take no id of a workspace at all.
    private static let takesNone = [
        "getHealth": "no key, no workspace", "getReadiness": "no key, no workspace",
        "getOpenAPI": "no key, no workspace", "listProblemTypes": "no key, no workspace",
        "getProblemType": "no key, no workspace", "createAPIKey": "takes no id", "createAgent": "takes no id",
        "createTeam": "takes no id", "createChannel": "takes no id", "createContactField": "takes no id",
        "createClosingCategory": "takes no id", "getReport": "takes no id; A's own facts only",
        "getStatus": "takes no id; A's own figures only", "getMetrics": "no key, no workspace",
        "getOpenAPIAsJSON": "no key, no workspace", "getDocumentation": "no key, no workspace",
    ]

    private enum Wanted {
        case refused(Int, String, [String])
        /// 200 with an empty page.
        case nothing
        /// 200, and nothing of B in it.
        case own

        var told: String {
            switch self {
            case .refused(let status, let type, _): "\(status) `\(type)`"
            case .nothing: "empty page"
            case .own: "A's own items only"
            }
        }
    }

    private struct Probe {
        let place: String
        let path: String
        var body: JSON?
        let wanted: Wanted

        var told: String { "\(place): \(wanted.told)" }
    }

    private func check(_ probe: Probe, _ route: Route, _ api: Fixture, _ theirs: Belongings) async throws {
        let what = "\(route.operationID), \(probe.place)"
        let answer = try await api.a.owner.send(route.method.rawValue, probe.path, probe.body)
        switch probe.wanted {
        case .refused(let status, let type, let mistakes): answer.refused(status, type, mistakes, what)
        case .nothing: #expect(answer.status == 200 && answer.json.items == [], "\(what): \(answer.text.prefix(400))")
        case .own: #expect(answer.status == 200, "\(what): \(answer.text.prefix(400))")
        }
        // What the call itself named may be repeated in the detail; nothing else of B may appear.
        let asked = probe.path + (probe.body?.text ?? "")
        for id in theirs.secret where !asked.contains(id) {
            #expect(!answer.text.contains(id), "\(what): the answer tells \(id)")
        }
    }

    private func probes(_ route: Route, _ mine: Belongings, _ theirs: Belongings, cursor: String?) -> [Probe] {
        var probes: [Probe] = []
        let (tail, body) = (Self.queries[route.operationID] ?? "", Self.bodies[route.operationID])
        let ids = route.path.split(separator: "/").filter { $0.hasPrefix("{") }.map {
            String($0.dropFirst().dropLast())
        }
        .filter { $0 != "tag" && $0 != "version" }
        if case .requires(.operate) = route.access {
            let path = filled(route.path, ["workspace_id": theirs.workspace])
            return [
                Probe(
                    place: ids.isEmpty ? "with a workspace's key" : "`workspace_id` in the path", path: path,
                    body: body, wanted: .refused(403, "forbidden", []))
            ]
        }
        if Self.takesNone[route.operationID] == nil {
            for id in ids {
                let path = filled(route.path, mine.ids.merging([id: theirs.ids[id] ?? ""]) { $1 })
                probes.append(
                    Probe(
                        place: "`\(id)` in the path", path: path + tail, body: body,
                        wanted: .refused(404, "not-found", [])))
            }
            if ids.count > 1 {
                probes.append(
                    Probe(
                        place: "both", path: filled(route.path, theirs.ids) + tail, body: body,
                        wanted: .refused(404, "not-found", [])))
            }
        }
        probes += references(route, filled(route.path, mine.ids), mine, theirs)
        if route.query.contains("cursor") {
            probes.append(
                Probe(
                    place: "`cursor`", path: filled(route.path, mine.ids) + "?limit=1&cursor=\(cursor ?? "none")",
                    // A list under a path has its place for that path alone.
                    wanted: ids.isEmpty ? .own : .refused(400, "bad-cursor", [])))
        }
        return probes
    }

    /// Ids in queries and bodies.
    private func references(_ route: Route, _ path: String, _ mine: Belongings, _ theirs: Belongings) -> [Probe] {
        func filters(_ names: [(String, String)]) -> [Probe] {
            names.map { Probe(place: "`\($0)`", path: "\(path)?\($0)=\($1)", wanted: .nothing) }
        }
        func invalid(_ pointer: String, _ body: JSON, code: String = "unknown-reference") -> Probe {
            Probe(
                place: "`\(pointer)`", path: path, body: body,
                wanted: .refused(422, "validation-failed", ["\(pointer) \(code)"]))
        }
        let (agent, team, channel) = (JSON.string(theirs.agent), JSON.string(theirs.team), JSON.string(theirs.channel))
        let identity: JSON = ["channel_id": channel, "external_id": "new"]
        switch route.operationID {
        case "listAgents": return filters([("team_id", theirs.team)])
        case "deleteAgent":
            return [
                Probe(
                    place: "`to`", path: "\(path)?open=transfer&to=\(theirs.agent)",
                    wanted: .refused(422, "validation-failed", ["/to unknown-reference"]))
            ]
        case "listContacts":
            return [
                Probe(
                    place: "`channel_id`", path: "\(path)?channel_id=\(theirs.channel)&external_id=eva",
                    wanted: .nothing)
            ]
        case "createContact": return [invalid("/identities/0/channel_id", ["identities": [identity]])]
        case "addContactIdentity": return [invalid("/channel_id", identity)]
        case "removeContactIdentity":
            return [
                Probe(
                    place: "`channel_id`", path: "\(path)?channel_id=\(theirs.channel)&external_id=eva",
                    wanted: .refused(404, "not-found", []))
            ]
        case "listConversations":
            return filters([
                ("team_id", theirs.team), ("assignee_id", theirs.agent), ("channel_id", theirs.channel),
                ("contact_id", theirs.contact),
            ])
        case "createConversation":
            return [
                invalid("/contact_id", ["contact_id": .string(theirs.contact)]),
                invalid("/channel_id", ["contact_id": .string(mine.quietContact), "channel_id": channel]),
            ]
        case "assignConversation":
            return [
                invalid("/agent_id", ["agent_id": agent]), invalid("/team_id", ["team_id": team]),
                invalid("/team_id", ["team_id": team, "strategy": "round_robin"]),
                Probe(
                    place: "`/if_assignee_id`", path: path, body: ["agent_id": .null, "if_assignee_id": agent],
                    wanted: .refused(409, "assignee-changed", [])),
            ]
        case "createWorkflow":
            return [
                invalid(
                    "/steps/0/target/team_id", Tenant.definition([Tenant.assign(theirs.team)]), code: "unknown-team")
            ]
        case "updateWorkflow":
            return [
                invalid(
                    "/steps/0/target/team_id", ["steps": [Tenant.assign(theirs.team)]], code: "unknown-team")
            ]
        case "listRuns":
            return filters([
                ("workflow_id", theirs.ids["workflow_id"] ?? ""), ("contact_id", theirs.contact),
                ("conversation_id", theirs.conversation),
            ])
        case "listAuditLog": return filters([("actor_id", theirs.ids["key_id"] ?? ""), ("target_id", theirs.agent)])
        default: return []
        }
    }

    private func filled(_ template: String, _ ids: [String: String]) -> String {
        ids.reduce(template) { $0.replacing("{\($1.key)}", with: $1.value) }
    }

    /// B's place in each of its lists.
    private func cursors(of theirs: Belongings, _ api: Fixture) async throws -> [String: String] {
        var cursors: [String: String] = [:]
        for route in api.routes where route.query.contains("cursor") {
            guard case .requires(let permission) = route.access, permission != .operate else { continue }
            let path = filled(route.path, theirs.ids) + "?limit=1"
            let cursor = try await theirs.owner.get(path).expect(200)["next_cursor"]?.string
            #expect(cursor != nil, "B has one page only of \(route.operationID)")
            cursors[route.operationID] = cursor
        }
        return cursors
    }

    /// When the worker has done what there is to do.
    private func settled(_ tenant: Tenant, _ api: Fixture) async throws -> String {
        var seen = try await api.fingerprint(tenant)
        #expect(
            try await eventually {
                try await Task.sleep(for: .milliseconds(700))
                let now = try await api.fingerprint(tenant)
                defer { seen = now }
                return now == seen
            })
        return seen
    }

    /// Bodies that would be accepted, so that nothing but the id is wrong.
    private static let bodies: [String: JSON] = [
        "updateAgent": ["name": "stolen"], "setPresence": ["presence": "away"], "updateTeam": ["name": "stolen"],
        "updateChannel": ["name": "stolen"], "receiveInbound": ["events": [Tenant.event("x")]],
        "updateContactField": ["description": "stolen"], "updateContact": ["name": "stolen"],
        "addContactIdentity": ["channel_id": .string(UUID().lowercased), "external_id": "x"],
        "updateClosingCategory": ["name": "stolen"], "updateConversation": ["priority": "urgent"],
        "assignConversation": ["agent_id": .null], "closeConversation": [:], "sendMessage": ["text": "x"],
        "addComment": ["text": "x"], "updateWorkflow": ["name": "stolen"], "publishWorkflow": [:], "stopWorkflow": [:],
        "createWorkspace": ["name": "stolen", "time_zone": "UTC"], "updateWorkspace": ["name": "stolen"],
        "updateAPIKey": ["name": "stolen"], "rotateAPIKey": [:], "createOwnerKey": ["name": "stolen"],
    ]

    private static let queries = ["removeContactIdentity": "?channel_id=\(UUID().lowercased)&external_id=x"]
}

/// Two of everything that a workspace can have, alive.
private struct Belongings {
    let workspace: String
    let owner: APIClient
    /// By the names of path parameters.
    let ids: [String: String]
    let agent: String
    let team: String
    let channel: String
    let contact: String
    let conversation: String
    /// Without an open conversation.
    let quietContact: String

    /// What must not be told to anybody else.
    var secret: [String] { [workspace, quietContact] + ids.filter { UUID(uuidString: $0.value) != nil }.values }

    init(_ tenant: Tenant, _ api: Fixture) async throws {
        owner = tenant.owner
        let owner = tenant.owner
        workspace = tenant.id
        channel = tenant.channel
        agent = try await tenant.agent("Ada")
        let other = try await tenant.agent("Bruno")
        team = try await tenant.team("Team", [agent, other])
        _ = try await tenant.team("Another")
        try await owner.post("/v1/channels", ["name": "Shop", "kind": "custom"]).expect(201)
        let workflow = try await tenant.workflow([Tenant.assign(team)])
        _ = try await tenant.workflow([Tenant.assign(team)])
        try await owner.post("/v1/workflows/\(workflow)/publish").expect(200)
        try await owner.patch(
            "/v1/workflows/\(workflow)", ["steps": [Tenant.assign(team, more: ["strategy": "least_open"])]]
        ).expect(200)
        try await owner.post("/v1/workflows/\(workflow)/publish").expect(200)
        conversation = try await tenant.conversation("eva")
        _ = try await tenant.conversation("max")
        #expect(
            try await eventually {
                try await owner.get("/v1/runs?status=completed").expect(200).items.count == 2
            })
        let path = "/v1/conversations/\(conversation)"
        for _ in 0..<2 {
            try await owner.post("\(path)/messages", ["text": "Hello"]).expect(201)
            try await owner.post("\(path)/comments", ["text": "Seen"]).expect(201)
        }
        for agent in [agent, other] { try await owner.post("\(path)/assign", ["agent_id": .string(agent)]).expect(200) }
        let jobs = [UUIDv7.make(at: Date()), UUIDv7.make(at: Date())]
        for (day, job) in jobs.enumerated() {
            try await api.store.execute(
                """
                INSERT INTO job_runs (workspace_id, id, job, window_from, window_to, time_zone, scheduled, status)
                VALUES ($1, $2, 'conversations', '2026-11-01', '2026-11-02', 'UTC', false, 'pending')
                """, [try #require(UUID(uuidString: workspace)), job])
            try await owner.post("/v1/contact-fields", ["name": .string("plan_\(day)_\(tenant.id.suffix(4))")]).expect(
                201)
        }
        contact = try #require(try await owner.get(path).expect(200)["contact_id"]?.string)
        quietContact = try await owner.post("/v1/contacts", ["name": "Quiet"]).expect(201).id
        try await owner.put("/v1/contacts/\(contact)/tags/vip").expect(200)
        ids = [
            "agent_id": agent, "team_id": team, "workflow_id": workflow, "conversation_id": conversation,
            "contact_id": contact, "channel_id": channel, "job_run_id": jobs[0].lowercased,
            "name": "plan_0_\(tenant.id.suffix(4))", "tag": "vip", "version": "1", "report": "conversations",
            "run_id": try await owner.get("/v1/runs").expect(200).items[0].id,
            "assignment_id": try await owner.get("\(path)/assignments").expect(200).items[0].id,
            "category_id": try await owner.post("/v1/closing-categories", ["name": "Own"]).expect(201).id,
            "key_id": try await owner.get("/v1/api-keys").expect(200).items[0].id,
        ]
    }
}
