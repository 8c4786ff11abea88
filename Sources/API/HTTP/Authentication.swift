import Core
import HTTPTypes
import Logging
import Store

/// What the authenticator is shown: the head of a routed request, before its body is read.
public struct AuthenticationRequest: Sendable {
    public let operationID: String
    /// What the route demands.
    public let permission: Permission
    /// What a key that is limited to scopes must have among them.
    public let scope: Scope?
    public let pathParameters: [String: String]
    public let headers: HTTPFields
    /// The client's address as text, without port; nil when the connection has gone.
    public let address: String?
    public let requestID: String
    public let logger: Logger
    /// Adds headers to whatever is answered, such as the state of the caller's rate limit.
    let addHeaders: @Sendable (HTTPFields) -> Void

    /// The credentials of `Authorization`.
    public var bearer: Bearer {
        let values = headers[values: .authorization]
        guard let value = values.first else { return .missing }
        let parts = value.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard values.count == 1, parts.count == 2, parts[0].lowercased() == "bearer",
            parts[1].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return .malformed }
        return .token(String(parts[1]))
    }

    /// Which credentials there are.
    public enum Bearer: Sendable, Hashable {
        case missing
        case malformed
        case token(String)
    }
}

/// What the authenticator says about a caller it lets through.
public struct Authentication: Sendable {
    /// Who it is; handlers get it by `APIRequest.principal(as:)`.
    public let principal: any Sendable
    /// On whose behalf the handler's statements run; without one the API's role sees no row of any workspace.
    public let access: AccessContext?
    /// What every log line of the request says about the caller, such as the workspace; no secrets.
    public let logMetadata: Logger.Metadata

    /// Lets a caller through.
    public init(
        principal: any Sendable, access: AccessContext? = nil, logMetadata: Logger.Metadata = [:]
    ) {
        self.principal = principal
        self.access = access
        self.logMetadata = logMetadata
    }
}

/// Finds out who is asking and whether the route is permitted to them; throws a 401, 403 or 429 problem when not.
public typealias Authenticator = @Sendable (AuthenticationRequest) async throws -> Authentication
