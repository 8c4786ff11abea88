import Foundation

/// Who did something: kept with every event and assignment, with the name of the time.
public struct Actor: Sendable, Hashable {
    /// What kind of thing acted: `agent`, `key`, `contact`, `workflow`, `channel`, `system`.
    public var kind: String
    public var id: UUID?
    public var name: String?

    public init(kind: String, id: UUID? = nil, name: String? = nil) {
        self.kind = kind
        self.id = id
        self.name = name
    }

    /// `{"type": …, "id": …, "name": …}`, without what is unknown.
    public var json: JSON {
        var object: [(String, JSON)] = [("type", .string(kind))]
        if let id { object.append(("id", .string(id.lowercased))) }
        if let name { object.append(("name", .string(name))) }
        return JSON(fields: object)
    }
}

/// On whose behalf a verb is called (S1): `source` says who wanted the change, `actor` who that was.
public struct Caller: Sendable, Hashable {
    public var source: Source
    public var actor: Actor

    public init(source: Source, actor: Actor) {
        self.source = source
        self.actor = actor
    }

    /// Whether a person stands behind the call; what people decide, an `assign` step leaves alone (S14).
    public var isPerson: Bool { source == .agent || source == .api }

    /// The agent who calls, if one does.
    public var agentID: UUID? { source == .agent ? actor.id : nil }

    public static let system = Caller(source: .system, actor: Actor(kind: "system"))
}
