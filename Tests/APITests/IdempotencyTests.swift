import API
import Core
import Dispatch
import Foundation
import HTTPTypes
import Store
import TestKit
import Testing

/// S28: every POST may be repeated.
@Suite struct IdempotencyTests {
    private struct Call {
        var client: APIClient
        var path: String
        var body: JSON?
        /// Another request that would be accepted too.
        var other: JSON?
        /// The member that holds a secret.
        var secret: String?
    }

    /// Every POST: a repetition is the first answer byte by byte and changes nothing; another request is refused.
    @Test(.timeLimit(.minutes(15))) func everyPostIsDoneOnce() async throws {
        try await withAPI(worker: false) { api in
            for route in api.routes where route.method == .post {
                let call = try #require(try await call(route.operationID, api), "\(route.operationID) is not covered")
                let client = call.client.with("Idempotency-Key", "walk-\(route.operationID)")
                let first = try await client.post(call.path, call.body)
                #expect(first.status == 200 || first.status == 201, "\(route.operationID): \(first.text)")
                #expect(first.headers["Idempotent-Replayed"] == nil)
                let before = try await everything(api)
                // Bare or quoted, it is the same key.
                for key in ["walk-\(route.operationID)", "\"walk-\(route.operationID)\""] {
                    let again = try await call.client.with("Idempotency-Key", key).post(call.path, call.body)
                    #expect(again.status == first.status && again.bytes == first.bytes, "\(route.operationID)")
                    #expect(again.headers["Idempotent-Replayed"] == "true", "\(route.operationID)")
                    for header in ["Location", "ETag"] {
                        #expect(again.headers[header] == first.headers[header], "\(route.operationID)")
                    }
                }
                try await client.post(call.path, call.other)
                    .refused(422, "idempotency-key-reused", ["Idempotency-Key reused"], route.operationID)
                #expect(try await everything(api) == before, "\(route.operationID) changed something")
                if let location = first.headers["Location"], route.operationID != "createWorkspace" {
                    // An operator makes a key and may not look at it.
                    let reader = route.access == .requires(.operate) ? api.a.owner : call.client
                    let shown = try await reader.get(location)
                    #expect(shown.headers["ETag"] == first.headers["ETag"], "\(route.operationID)")
                }
                guard let member = call.secret else { continue }
                let secret = try #require(first.json[member]?.string)
                let kept: Int = try await api.store.value(
                    "SELECT count(*) AS count FROM idempotency_keys k WHERE k::text LIKE $1", ["%\(secret)%"])
                #expect(kept == 0, "\(route.operationID) keeps its secret readable")
            }
        }
    }

    /// All rows of the workspace, and how many workspaces and operators' keys there are.
    private func everything(_ api: Fixture) async throws -> String {
        let others: Int = try await api.store.value(
            "SELECT (SELECT count(*) FROM workspaces) + (SELECT count(*) FROM idempotency_keys) AS count")
        return try await api.fingerprint(api.a) + " \(others)"
    }

    private func call(_ operation: String, _ api: Fixture) async throws -> Call? {
        let (a, name) = (api.a.owner, "Name \(UUID())")
        func named(_ path: String, _ more: [String: JSON] = [:], secret: String? = nil) -> Call {
            let body = JSON(fields: more.sorted { $0.key < $1.key } + [("name", .string(name))])
            let other = JSON(fields: more.sorted { $0.key < $1.key } + [("name", .string(name + "!"))])
            return Call(client: a, path: path, body: body, other: other, secret: secret)
        }
        switch operation {
        case "createWorkspace":
            var call = named("/v1/workspaces", ["time_zone": "UTC"], secret: "key")
            call.client = api.operators
            return call
        case "createOwnerKey":
            var call = named("/v1/workspaces/\(api.a.id)/keys", secret: "key")
            call.client = api.operators
            return call
        case "rotateAPIKey":
            let made = try await a.post("/v1/api-keys", ["name": "x", "role": "viewer"]).expect(201)
            return Call(
                client: a, path: "/v1/api-keys/\(try made.id)/rotate", body: ["overlap": "PT1H"],
                other: ["overlap": "PT2H"], secret: "key")
        case "createAPIKey": return named("/v1/api-keys", ["role": "viewer"], secret: "key")
        case "createAgent": return named("/v1/agents")
        case "createTeam": return named("/v1/teams")
        case "createChannel": return named("/v1/channels", ["kind": "custom"], secret: "token")
        case "rotateChannelToken":
            let made = try await a.post("/v1/channels", ["name": .string(name), "kind": "custom"]).expect(201)
            return Call(client: a, path: "/v1/channels/\(try made.id)/token", other: [:], secret: "token")
        case "receiveInbound":
            return Call(
                client: api.a.inbound, path: "/v1/channels/\(api.a.channel)/inbound",
                body: ["events": [Tenant.event("eva")]], other: ["events": [Tenant.event("ana")]])
        case "createContactField":
            return Call(client: a, path: "/v1/contact-fields", body: ["name": "once"], other: ["name": "twice"])
        case "createContact": return named("/v1/contacts")
        case "createClosingCategory": return named("/v1/closing-categories")
        case "createWorkflow", "publishWorkflow", "stopWorkflow":
            return try await workflowCall(operation, api)
        default: return try await conversationCall(operation, api)
        }
    }

    private func workflowCall(_ operation: String, _ api: Fixture) async throws -> Call? {
        let steps: [JSON] = [["id": "a", "type": "end"]]
        if operation == "createWorkflow" {
            return Call(
                client: api.a.owner, path: "/v1/workflows", body: Tenant.definition(steps),
                other: Tenant.definition(steps))
        }
        let path = "/v1/workflows/\(try await api.a.workflow(steps))"
        if operation == "publishWorkflow" { return Call(client: api.a.owner, path: "\(path)/publish", other: [:]) }
        try await api.a.owner.post("\(path)/publish").expect(200)
        return Call(client: api.a.owner, path: "\(path)/stop", body: ["runs": "end"], other: ["runs": "continue"])
    }

    private func conversationCall(_ operation: String, _ api: Fixture) async throws -> Call? {
        let a = api.a.owner
        let path = "/v1/conversations/\(try await api.a.conversation())"
        switch operation {
        case "createConversation":
            let contact = try await a.post("/v1/contacts", ["name": "Eva"]).expect(201)["id"] ?? .null
            return Call(
                client: a, path: "/v1/conversations", body: ["contact_id": contact],
                other: ["contact_id": contact, "subject": "x"])
        case "assignConversation":
            let agent = JSON.string(try await api.a.agent())
            return Call(client: a, path: "\(path)/assign", body: ["agent_id": agent], other: ["agent_id": .null])
        case "closeConversation":
            return Call(client: a, path: "\(path)/close", body: ["summary": "Done"], other: ["summary": "Other"])
        case "sendMessage": return Call(client: a, path: "\(path)/messages", body: ["text": "A"], other: ["text": "B"])
        case "addComment": return Call(client: a, path: "\(path)/comments", body: ["text": "A"], other: ["text": "B"])
        default: return nil
        }
    }

    /// While another process works on the first request, a pile of repetitions is refused within moments, and whoever
    /// else calls is served meanwhile.
    @Test(.timeLimit(.minutes(15))) func repetitionsOfASlowRequestHoldUpNobody() async throws {
        try await withAPI(worker: false) { api in
            let key = try await api.a.owner.get("/v1/api-keys").expect(200).items[0].id
            let workspace = try #require(UUID(uuidString: api.a.id))
            let (begun, finish) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            let claim = IdempotencyClaim(
                caller: key, key: "slow", operation: "createTeam", fingerprint: [1],
                seal: AnswerSeal(token: "t", key: "slow"))
            // The body blocks its connection's own thread, as a slow database would.
            let slow = Task { [store = api.store] in
                try await store.write { transaction in
                    try transaction.once(claim, in: workspace) {
                        begun.signal()
                        finish.wait()
                        return StoredAnswer(status: 201, body: [:])
                    }
                }
            }
            #expect(try await eventually { begun.wait(timeout: .now()) == .success })
            let client = api.a.owner.with("Idempotency-Key", "slow")
            let started = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<100 {
                    group.addTask {
                        let answer = try await client.post("/v1/teams", ["name": "Slow"])
                        answer.refused(409, "idempotency-key-in-use")
                        #expect(answer.headers["Retry-After"] == "1")
                    }
                    guard index % 10 == 0 else { continue }
                    group.addTask {
                        try await api.a.owner.post("/v1/teams", ["name": .string("Quick \(index)")]).expect(201)
                    }
                }
                try await group.waitForAll()
            }
            // With the usual lock time-out of ten seconds a hundred of them would take minutes.
            #expect(ContinuousClock.now - started < .seconds(30))
            finish.signal()
            _ = try await slow.value
            try await client.post("/v1/teams", ["name": "Slow"])
                .refused(422, "idempotency-key-reused", ["Idempotency-Key reused"])
        }
    }
}
