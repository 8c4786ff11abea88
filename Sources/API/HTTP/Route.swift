import Core
import HTTPTypes

/// Answers one operation. What it throws becomes a problem.
public typealias Handler = @Sendable (APIRequest) async throws -> APIResponse

/// What a key must be permitted for an operation. The names belong to whoever checks them; extend with constants.
public struct Permission: RawRepresentable, Sendable, Hashable {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }
}

/// Who may call an operation.
public enum Access: Sendable, Hashable {
    /// Anybody; the authenticator is not asked.
    case open
    /// Callers to whom the authenticator grants this.
    case requires(Permission)
}

/// One operation of the API: method, path, who may call it, what it takes, and the code that answers.
public struct Route: Sendable {
    /// For the operations that take a single resource: 1 MiB.
    public static let defaultBodyLimit = 1 << 20
    /// For the operations that take batches: 4 MiB.
    public static let batchBodyLimit = 4 << 20

    /// GET routes answer HEAD as well; OPTIONS needs no route.
    public let method: HTTPRequest.Method
    /// Template with parameters that fill whole segments: `/v1/teams/{team_id}/members/{agent_id}`.
    public let path: String
    /// The `operationId` of the OpenAPI document.
    public let operationID: String
    public let access: Access
    /// The part of the API that it belongs to, for keys that are limited to some.
    public let scope: Scope?
    /// Names of the query parameters the operation takes; any other is refused.
    public let query: Set<String>
    /// Bytes of body it takes at most.
    public let bodyLimit: Int
    /// Whether it is answered even when as many requests are being handled as allowed: for health checks.
    public let isAnsweredUnderOverload: Bool
    public let handler: Handler

    /// Declares an operation.
    public init(
        _ method: HTTPRequest.Method, _ path: String, _ operationID: String, access: Access, query: Set<String> = [],
        bodyLimit: Int = Route.defaultBodyLimit, isAnsweredUnderOverload: Bool = false,
        handler: @escaping Handler
    ) {
        self.method = method
        self.path = path
        self.operationID = operationID
        self.access = access
        scope = Scope(method: method, path: path)
        self.query = query
        self.bodyLimit = bodyLimit
        self.isAnsweredUnderOverload = isAnsweredUnderOverload
        self.handler = handler
    }
}
