import Core
import Foundation
import Postgres

/// What a merge-patch of a workspace says.
public struct WorkspacePatch: Sendable {
    public var name: String?
    public var timeZone: String?
    public var closingNote: Workspace.ClosingNote?
    public var requireIfMatch: Bool?
    public var rateLimit: Patch<RateLimit>

    public init(
        name: String? = nil, timeZone: String? = nil, closingNote: Workspace.ClosingNote? = nil,
        requireIfMatch: Bool? = nil, rateLimit: Patch<RateLimit> = .absent
    ) {
        self.name = name
        self.timeZone = timeZone
        self.closingNote = closingNote
        self.requireIfMatch = requireIfMatch
        self.rateLimit = rateLimit
    }
}

extension Store {
    /// Workspaces in the order of their making.
    public func workspaces(after: UUID?, limit: Int) async throws -> [Workspace] {
        try await all("workspaces_list", [after ?? .lowest, limit], Workspace.init(row:))
    }

    public func workspace(_ id: UUID) async throws -> Workspace {
        try await one("workspace_get", [id], what: "workspace", Workspace.init(row:))
    }

    /// The workspace of that name, upper and lower case alike.
    public func workspace(named name: String) async throws -> Workspace? {
        try await read("workspace_find_by_name", [name]).first.map(Workspace.init(row:))
    }

    /// The workspaces that have a rate limit of their own.
    public func rateLimits() async throws -> [UUID: RateLimit] {
        var limits: [UUID: RateLimit] = [:]
        for row in try await read("workspaces_with_rate_limits", []) {
            limits[try row.decode("id")] = try RateLimit(row: row)
        }
        return limits
    }
}

extension StoreTransaction {
    /// Makes a tenant with its line, the turns of its runs, its closing categories and its first owner key.
    /// - Returns: the workspace, and the key's text: this once, it is not kept.
    public func createWorkspace(name: String, timeZone: String) throws -> (workspace: Workspace, key: String) {
        let id = newID()
        let rows = try checkingTimeZone {
            try refusing("workspaces_name_key", as: .nameTaken, "Another workspace has this name.") {
                try query("workspace_insert", [id, name, timeZone])
            }
        }
        guard let row = rows.first else { throw StoreError.notFound(what: "workspace") }
        try enter(id)
        try send("line_insert", [id, id, "workspace"])
        try send("run_turns_insert", [id, Array(1...Self.runTurns)])
        let categories = ClosingCategory.defaults
        try send("closing_categories_insert", [id, categories.map { _ in newID() }, categories])
        let (_, key) = try createKey(name: "Owner", limits: KeyLimits(role: .owner), in: id)
        return (try Workspace(row: row), key)
    }

    public func updateWorkspace(
        _ id: UUID, _ patch: WorkspacePatch, if precondition: Precondition<Workspace>? = nil
    ) throws -> Workspace {
        let current = try Workspace(row: one("workspace_lock", [id], what: "workspace"))
        try demand(precondition, in: id, current)
        var next = current
        next.name = patch.name ?? current.name
        next.timeZone = patch.timeZone ?? current.timeZone
        next.closingNote = patch.closingNote ?? current.closingNote
        next.requireIfMatch = patch.requireIfMatch ?? current.requireIfMatch
        next.rateLimit = patch.rateLimit.applied(to: current.rateLimit)
        guard next != current else { return current }
        let rows = try checkingTimeZone {
            try refusing("workspaces_name_key", as: .nameTaken, "Another workspace has this name.") {
                try query(
                    "workspace_update",
                    [
                        id, next.name, next.timeZone, next.closingNote.rawValue, next.requireIfMatch,
                        next.rateLimit?.quota, next.rateLimit?.window,
                    ])
            }
        }
        guard let row = rows.first else { throw StoreError.notFound(what: "workspace") }
        return try Workspace(row: row)
    }

    /// A zone that the server does not know (22023, invalid_parameter_value) is the caller's mistake.
    private func checkingTimeZone<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as PostgresError where error.sqlState?.rawValue == "22023" {
            throw StoreError.invalid([
                FieldError(
                    pointer: "/time_zone", code: "unknown-time-zone",
                    detail: "must be an IANA time zone such as \"Europe/Madrid\"")
            ])
        }
    }
}

extension Workspace {
    init(row: PostgresRow) throws {
        self.init(
            id: try row.decode("id"), name: try row.decode("name"), timeZone: try row.decode("time_zone"),
            closingNote: ClosingNote(rawValue: try row.decode("closing_note")) ?? .off,
            requireIfMatch: try row.decode("require_if_match"), rateLimit: try RateLimit(row: row),
            version: try row.decode("version"), createdAt: try row.decode("created_at"),
            updatedAt: try row.decode("updated_at"))
    }
}

extension RateLimit {
    /// The limit of a workspace; nil when it has none of its own.
    fileprivate init?(row: PostgresRow) throws {
        guard let quota: Int = try row.decode("rate_limit_quota"),
            let window: Int = try row.decode("rate_limit_seconds")
        else { return nil }
        self.init(quota: quota, window: window)
    }
}
