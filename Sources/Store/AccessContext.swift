import Core
import Foundation
import Postgres

/// On whose behalf statements are run: what row-level security and the audit log go by.
///
/// Bound to the task for the length of one request, so that no statement of a handler can forget it, and so that it is
/// independent of the `workspace_id` that the statement itself binds: a mistake in one is caught by the other.
public struct AccessContext: Sendable, Hashable {
    /// The only workspace whose rows may be seen and written; nil for an operator, who sees workspaces and nothing in them.
    public var workspace: UUID?
    /// Who acts, as events and the audit log name them.
    public var actor: Actor
    /// The key that speaks for an agent; nil where the actor speaks itself.
    public var key: Actor?
    /// The client's address as text, without port; nil where nobody called.
    public var address: String?
    /// The request that the change belongs to.
    public var requestID: String?

    public init(workspace: UUID?, actor: Actor, address: String? = nil, requestID: String? = nil) {
        self.workspace = workspace
        self.actor = actor
        self.address = address
        self.requestID = requestID
    }

    /// The context of the current task; nil outside of a request.
    @TaskLocal public static var current: AccessContext?
}

extension AccessContext {
    static let workspaceSetting = "switchboard.workspace"

    /// What row-level security goes by, for a single read. Empty is nobody: every value is sent each time.
    func readSettings() throws(PostgresError) -> LocalSettings {
        try LocalSettings([Self.workspaceSetting: visibleWorkspace, "switchboard.operator": visibleOperator])
    }

    /// The same for a transaction, with what the audit log records.
    func settings() throws(PostgresError) -> LocalSettings {
        try LocalSettings([
            Self.workspaceSetting: visibleWorkspace, "switchboard.operator": visibleOperator,
            "switchboard.actor": recordedActor.text, "switchboard.address": address ?? "",
            "switchboard.request_id": requestID ?? "",
        ])
    }

    /// Whoever has a key can name any agent: the audit log keeps both.
    private var recordedActor: JSON {
        guard let key, case .object(var members) = actor.json else { return actor.json }
        members["key"] = JSON(fields: [("id", .id(key.id)), ("name", .text(key.name))])
        return .object(members)
    }

    private var visibleWorkspace: String { workspace?.lowercased ?? "" }
    /// The id of an operator's key, under which its idempotency keys are kept.
    private var visibleOperator: String { workspace == nil ? actor.id?.lowercased ?? "" : "" }
}
