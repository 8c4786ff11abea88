import API
import Core
import Foundation
import HTTPTypes
import Reports
import Store
import TestKit
import Testing

/// S45: nothing is changed but what was read, and nothing is sent twice.
@Suite struct PreconditionTests {
    /// A request that would succeed, and where the resource that it changes is read.
    private struct Change {
        var client: APIClient
        var path: String
        var body: JSON?
        var shown: String
    }

    /// Every PATCH, PUT and DELETE: a wrong, a weak and a malformed tag change nothing; the right one is taken.
    @Test(.timeLimit(.minutes(15))) func everyChangeHonoursIfMatch() async throws {
        try await withAPI(worker: false) { api in
            for route in api.routes where [.patch, .put, .delete].contains(route.method) {
                let change = try #require(
                    try await change(route.operationID, api), "\(route.operationID) is not covered")
                let tag = try #require(try await change.client.get(change.shown).headers["ETag"])
                func send(_ condition: String) async throws -> APIAnswer {
                    try await change.client.with("If-Match", condition)
                        .send(route.method.rawValue, change.path, change.body)
                }
                let before = try await api.fingerprint(api.a)
                for wrong in ["\"wrong\"", "W/\(tag)", "\"a\", W/\(tag) , \"b\""] {
                    let answer = try await send(wrong)
                    answer.refused(412, "precondition-failed", [], "\(route.operationID) \(wrong)")
                    #expect(answer.headers["ETag"] == tag, "\(route.operationID)")
                }
                for malformed in ["wrong", "\"a\" \"b\"", "*, \"a\"", ",", "\"open"] {
                    try await send(malformed)
                        .refused(400, "bad-request", ["If-Match invalid-format"], "\(route.operationID) \(malformed)")
                }
                #expect(try await api.fingerprint(api.a) == before, "\(route.operationID) changed something")
                let answer = try await send("\"other\", \(tag)")
                #expect(answer.status == 200 || answer.status == 204, "\(route.operationID) \(answer.text)")
                if answer.status == 200 {
                    let now = try await change.client.get(change.shown)
                    #expect(answer.headers["ETag"] == now.headers["ETag"], "\(route.operationID)")
                    #expect(answer.bytes == now.bytes, "\(route.operationID)")
                }
            }
        }
    }

    private func change(_ operation: String, _ api: Fixture) async throws -> Change? {
        let (a, name) = (api.a.owner, "Name \(UUID())")
        func one(_ path: String, _ body: JSON?) -> Change { Change(client: a, path: path, body: body, shown: path) }
        switch operation {
        case "updateWorkspace":
            let path = "/v1/workspaces/\(api.a.id)"
            return Change(client: api.operators, path: path, body: ["name": .string(name)], shown: path)
        case "revokeAPIKey", "updateAPIKey":
            let made = try await a.post("/v1/api-keys", ["name": "x", "role": "viewer"]).expect(201)
            return one("/v1/api-keys/\(try made.id)", operation == "revokeAPIKey" ? nil : ["name": .string(name)])
        case "updateAgent": return one("/v1/agents/\(try await api.a.agent())", ["name": .string(name)])
        case "deleteAgent": return one("/v1/agents/\(try await api.a.agent())", nil)
        case "setPresence":
            let path = "/v1/agents/\(try await api.a.agent())"
            return Change(client: a, path: "\(path)/presence", body: ["presence": "away"], shown: path)
        case "updateTeam": return one("/v1/teams/\(try await api.a.team())", ["name": .string(name)])
        case "deleteTeam": return one("/v1/teams/\(try await api.a.team())", nil)
        case "addTeamMember", "removeTeamMember":
            let agent = try await api.a.agent()
            let team = try await api.a.team(name, [agent])
            return Change(client: a, path: "/v1/teams/\(team)/members/\(agent)", shown: "/v1/agents/\(agent)")
        case "updateChannel", "deleteChannel":
            let made = try await a.post("/v1/channels", ["name": .string(name), "kind": "custom"]).expect(201)
            return one("/v1/channels/\(try made.id)", operation == "updateChannel" ? ["url": .null, "name": "N"] : nil)
        case "updateContactField", "deleteContactField":
            let field = "f\(UUID().lowercased.prefix(8))"
            try await a.post("/v1/contact-fields", ["name": .string(field)]).expect(201)
            return one("/v1/contact-fields/\(field)", operation == "updateContactField" ? ["description": "x"] : nil)
        case "updateContact", "eraseContact", "addContactTag", "removeContactTag", "addContactIdentity",
            "removeContactIdentity":
            return try await contactChange(operation, api)
        case "updateClosingCategory", "deleteClosingCategory":
            let made = try await a.post("/v1/closing-categories", ["name": .string(name)]).expect(201)
            let body: JSON? = operation == "updateClosingCategory" ? ["name": .string(name + "!")] : nil
            return one("/v1/closing-categories/\(try made.id)", body)
        case "updateConversation": return one("/v1/conversations/\(try await api.a.conversation())", ["subject": "x"])
        case "deleteConversation": return one("/v1/conversations/\(try await api.a.conversation())", nil)
        case "updateWorkflow", "deleteWorkflow":
            let workflow = try await api.a.workflow([["id": "a", "type": "end"]])
            return one("/v1/workflows/\(workflow)", operation == "updateWorkflow" ? ["description": "x"] : nil)
        default: return nil
        }
    }

    private func contactChange(_ operation: String, _ api: Fixture) async throws -> Change? {
        let external = UUID().lowercased
        let contact = try await api.a.owner.post(
            "/v1/contacts",
            [
                "name": "Eva", "tags": ["vip"],
                "identities": [["channel_id": .string(api.a.channel), "external_id": .string(external)]],
            ]
        ).expect(201).id
        let path = "/v1/contacts/\(contact)"
        let query = "channel_id=\(api.a.channel)&external_id=\(external)"
        let identity: JSON = ["channel_id": .string(api.a.channel), "external_id": .string(external + "-2")]
        let (suffix, body): (String, JSON?) =
            switch operation {
            case "updateContact": ("", ["name": "Ana"])
            case "addContactTag": ("/tags/new", nil)
            case "removeContactTag": ("/tags/vip", nil)
            case "addContactIdentity": ("/identities", identity)
            case "removeContactIdentity": ("/identities?\(query)", nil)
            default: ("", nil)
            }
        return Change(client: api.a.owner, path: path + suffix, body: body, shown: path)
    }

    /// Every GET has a tag and is 304 for who has it, HEAD too; what somebody else changes changes the tag.
    @Test(.timeLimit(.minutes(15))) func everyGetAnswersNotModified() async throws {
        try await withAPI { api in
            let ids = try await everything(api)
            for route in api.routes where route.method == .get && !unsteady.contains(route.operationID) {
                var client = api.a.owner
                if route.access == .requires(.operate) { client = api.operators }
                if route.access == .open { client = api.anonymous }
                let path = ids.reduce(route.path) { $0.replacing("{\($1.key)}", with: $1.value) }
                    .replacing("/problems/plan", with: "/problems/not-found")
                let first = try await client.get(path)
                try first.expect(200)
                let tag = try #require(first.headers["ETag"], "\(route.operationID)")
                for listed in [tag, "W/\(tag)", "\"other\" ,, \(tag)", "*"] {
                    for method in ["GET", "HEAD"] {
                        let again = try await client.with("If-None-Match", listed).send(method, path)
                        try again.expect(304)
                        #expect(again.bytes.isEmpty && again.headers["Content-Type"] == nil, "\(route.operationID)")
                        #expect(again.headers["ETag"] == tag, "\(route.operationID)")
                    }
                }
                let other = try await client.with("If-None-Match", "\"other\"").get(path)
                #expect(other.status == 200 && other.bytes == first.bytes, "\(route.operationID)")
            }
            try await api.a.owner.with("If-None-Match", "oops").get("/v1/teams")
                .refused(400, "bad-request", ["If-None-Match invalid-format"])
            // What stands in other rows belongs to the representation, too.
            let team = "/v1/teams/\(try #require(ids["team_id"]))"
            let tag = try await api.a.owner.get(team).headers["ETag"]
            try await api.a.owner.put("\(team)/members/\(try await api.a.agent())").expect(200)
            let grown = try await api.a.owner.get(team)
            #expect(grown.headers["ETag"] != tag && grown.json["member_count"] == 2)
        }
    }

    /// Tells when it was made, so no two are the same.
    private let unsteady: Set<String> = ["getReport", "getStatus"]

    private func everything(_ api: Fixture) async throws -> [String: String] {
        let a = api.a
        let agent = try await a.agent()
        let team = try await a.team("Cards", [agent])
        let workflow = try await a.workflow([Tenant.assign(team)])
        try await a.owner.post("/v1/workflows/\(workflow)/publish").expect(200)
        let conversation = try await a.conversation("eva")
        let path = "/v1/conversations/\(conversation)"
        #expect(
            try await eventually {
                try await a.owner.get("/v1/runs?status=completed").expect(200).items.count == 1
            })
        // The nights since the workspace was made are caught up with.
        try await api.store.execute("UPDATE workspaces SET created_at = created_at - interval '3 days'")
        let scheduler = Scheduler(
            store: api.store, jobs: try JobLibrary(directory: ProjectRoot.url.appending(path: "jobs")),
            runner: ReportRunner(store: api.store), logger: TestDatabase.silentLogger)
        _ = try await scheduler.runOnce()
        let job = try #require(try await a.owner.get("/v1/job-runs?status=completed").expect(200).items.first).id
        try await a.owner.post("/v1/contact-fields", ["name": "plan"]).expect(201)
        let contact = try #require(try await a.owner.get(path).expect(200)["contact_id"]?.string)
        return [
            "workspace_id": a.id, "agent_id": agent, "team_id": team, "workflow_id": workflow,
            "conversation_id": conversation, "contact_id": contact, "channel_id": a.channel, "version": "1",
            "job_run_id": job,
            "run_id": try await a.owner.get("/v1/runs").expect(200).items[0].id,
            "assignment_id": try await a.owner.get("\(path)/assignments").expect(200).items[0].id,
            "category_id": try await a.owner.get("/v1/closing-categories").expect(200).items[0].id,
            "key_id": try await a.owner.get("/v1/api-keys").expect(200).items[0].id, "name": "plan",
        ]
    }

    /// A workspace that demands it takes no unconditional change.
    @Test func preconditionsCanBeRequired() async throws {
        try await withAPI(worker: false) { api in
            let a = api.a.owner
            let (team, agent) = (try await api.a.team(), try await api.a.agent())
            let settings = "/v1/workspaces/\(api.a.id)"
            try await api.operators.patch(settings, ["require_if_match": true]).expect(200)
            let before = try await api.fingerprint(api.a)
            try await a.patch("/v1/teams/\(team)", ["name": "New"]).refused(428, "precondition-required")
            try await a.delete("/v1/teams/\(team)").refused(428, "precondition-required")
            try await a.put("/v1/agents/\(agent)/presence", ["presence": "away"])
                .refused(428, "precondition-required")
            try await a.put("/v1/teams/\(team)/members/\(agent)").refused(428, "precondition-required")
            try await api.operators.patch(settings, ["require_if_match": false]).refused(428, "precondition-required")
            // What is not there is not there, whatever the condition.
            try await a.delete("/v1/teams/\(agent)").refused(404, "not-found")
            #expect(try await api.fingerprint(api.a) == before)
            try await a.with("If-Match", "*").patch("/v1/teams/\(team)", ["name": "New"]).expect(200)
            // Made once: the second finds it there.
            let create = a.with("If-None-Match", "*")
            try await create.put("/v1/teams/\(team)/members/\(agent)").expect(200)
            try await create.put("/v1/teams/\(team)/members/\(agent)").refused(412, "precondition-failed")
            let tag = try #require(try await a.get("/v1/agents/\(agent)").headers["ETag"])
            try await a.with("If-Match", tag).delete("/v1/teams/\(team)/members/\(agent)").expect(204)
            // Not a member any more: there is nothing that could match.
            try await a.with("If-Match", "*").put("/v1/teams/\(team)/members/\(agent)")
                .refused(412, "precondition-failed")
            try await api.operators.with("If-Match", "*").patch(settings, ["require_if_match": false]).expect(200)
            try await a.patch("/v1/teams/\(team)", ["name": "Newer"]).expect(200)
        }
    }

    /// Fifty clients count to fifty in one resource, each by reading, adding one and writing until it is taken.
    @Test(.timeLimit(.minutes(15))) func noUpdateIsLost() async throws {
        try await withAPI(worker: false) { api in
            let contact = try await api.a.owner.post(
                "/v1/contacts", ["name": "Counter", "fields": ["count": "0"]]
            ).expect(201).id
            let conversation = try await api.a.conversation()
            try await api.a.owner.patch("/v1/conversations/\(conversation)", ["custom": ["count": "0"]]).expect(200)
            for (path, member) in [
                ("/v1/contacts/\(contact)", "fields"), ("/v1/conversations/\(conversation)", "custom"),
            ] {
                var client = api.a.owner
                // Some thousand exchanges that are all alike.
                client.exchanges = nil
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<50 { group.addTask { [client] in try await count(client, path, member) } }
                    try await group.waitForAll()
                }
                let last = try await api.a.owner.get(path).expect(200)
                #expect(last[member]?["count"] == "50", "\(path)")
            }
        }
    }

    private func count(_ client: APIClient, _ path: String, _ member: String) async throws {
        while true {
            let read = try await client.get(path)
            let count = try #require(try read.expect(200)[member]?["count"]?.string.flatMap { Int($0) })
            let patch: JSON = [member: ["count": .string(String(count + 1))]]
            let answer = try await client.with("If-Match", try #require(read.headers["ETag"])).patch(path, patch)
            if answer.status == 200 { return }
            answer.refused(412, "precondition-failed")
        }
    }
}
