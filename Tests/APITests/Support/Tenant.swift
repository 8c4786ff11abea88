import Core
import Foundation
import TestKit
import Testing

/// A workspace made through the API, with a key of each role and a channel.
struct Tenant: Sendable {
    let id: String
    /// With the owner's key.
    let owner: APIClient
    /// Tokens by role.
    let keys: [String: String]
    let channel: String
    /// With the channel's own token.
    let inbound: APIClient

    init(_ name: String, by operators: APIClient) async throws {
        let workspace = try await operators.post(
            "/v1/workspaces", ["name": .string("\(name) \(UUID())"), "time_zone": "Europe/Madrid"]
        ).expect(201)
        id = try workspace.id
        let ownerKey = try #require(workspace["key"]?.string)
        owner = operators.with(key: ownerKey)
        var keys = ["owner": ownerKey]
        for role in ["manager", "agent", "viewer"] {
            let key = try await owner.post("/v1/api-keys", ["name": .string(role), "role": .string(role)]).expect(201)
            keys[role] = try #require(key["key"]?.string)
        }
        self.keys = keys
        let made = try await owner.post("/v1/channels", ["name": "Website", "kind": "custom"]).expect(201)
        channel = try made.id
        inbound = operators.with(key: try #require(made["token"]?.string))
    }

    /// With the key of a role.
    func client(_ role: String) -> APIClient { owner.with(key: keys[role]) }

    /// On behalf of an agent.
    func acting(_ agent: String) -> APIClient { owner.with("X-Agent-Id", agent) }

    static func event(_ contact: String, _ text: String = "Hello", id: String = UUID().uuidString) -> JSON {
        [
            "type": "message", "message_id": .string(id), "text": .string(text),
            "contact": ["external_id": .string(contact), "name": .string("Contact \(contact)")],
        ]
    }

    /// Hands in events with the channel's token.
    func receive(_ events: [JSON]) async throws -> [JSON] {
        let answer = try await inbound.post("/v1/channels/\(channel)/inbound", ["events": .array(events)]).expect(200)
        return try #require(answer["results"]?.array)
    }

    /// A contact writes; the conversation that has the message.
    func conversation(_ contact: String = UUID().uuidString) async throws -> String {
        let result = try await receive([Self.event(contact)])[0]
        return try #require(result["conversation_id"]?.string)
    }

    func agent(_ name: String = "Agent", maxOpen: Int? = nil, presence: String = "online") async throws -> String {
        let limit: JSON = maxOpen.map { .integer(Int64($0)) } ?? .null
        return try await owner.post(
            "/v1/agents", ["name": .string(name), "presence": .string(presence), "max_open": limit]
        ).expect(201).id
    }

    func team(_ name: String = "Team \(UUID())", _ agents: [String] = []) async throws -> String {
        let team = try await owner.post("/v1/teams", ["name": .string(name)]).expect(201).id
        for agent in agents { try await owner.put("/v1/teams/\(team)/members/\(agent)").expect(200) }
        return team
    }

    /// A draft that starts when a contact opens a conversation.
    func workflow(_ steps: [JSON], start: String = "a") async throws -> String {
        try await owner.post("/v1/workflows", Self.definition(steps, start: start)).expect(201).id
    }

    static func definition(_ steps: [JSON], start: String = "a", name: String = "Flow \(UUID())") -> JSON {
        [
            "name": .string(name), "start": .string(start), "steps": .array(steps),
            "trigger": [
                "type": "conversation_opened",
                "conditions": ["all": [["field": "conversation.source", "operator": "equals", "value": "contact"]]],
            ],
        ]
    }

    static func assign(_ team: String, id: String = "a", more: [String: JSON] = [:]) -> JSON {
        var members: [(String, JSON)] = [
            ("id", .string(id)), ("type", "assign"), ("target", ["team_id": .string(team)]),
            ("strategy", "round_robin"), ("next", .null),
        ]
        members += more.sorted { $0.key < $1.key }
        return JSON(fields: members.filter { more[$0.0] == nil || $0.1 == more[$0.0] })
    }
}

extension JSON {
    /// The member `id`.
    var id: String { get throws { try #require(self["id"]?.string) } }

    /// The members of the page.
    var items: [JSON] { self["items"]?.array ?? [] }

    /// The same with the members of every object in the order of their names.
    var sorted: JSON {
        switch self {
        case .array(let elements): .array(elements.map(\.sorted))
        case .object(let members):
            JSON(fields: members.sorted { $0.key < $1.key }.map { ($0.key, $0.value.sorted) })
        default: self
        }
    }

    /// Names of the members, in order.
    var names: [String] { object.map { Array($0.keys) } ?? [] }
}

extension APIAnswer {
    /// Demands the status.
    /// - Returns: the body.
    @discardableResult
    func expect(_ status: Int, sourceLocation: SourceLocation = #_sourceLocation) throws -> JSON {
        try #require(self.status == status, "\(self.status) \(text.prefix(800))", sourceLocation: sourceLocation)
        return json
    }

    /// Demands the problem with exactly these mistakes, each "place code".
    func refused(
        _ status: Int, _ type: String, _ mistakes: [String] = [], _ what: String = "",
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(
            self.status == status && problem == type && self.mistakes == mistakes.sorted(),
            "\(what): \(self.status) \(problem ?? "-") \(self.mistakes), wanted \(status) \(type) \(mistakes.sorted()); \(text.prefix(800))",
            sourceLocation: sourceLocation)
    }
}
