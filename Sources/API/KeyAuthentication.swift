import Addresses
import Core
import Foundation
import HTTPTypes
import Logging
import Store

/// Who may call what: keys, channels' tokens, roles.
public enum Authentications {
    /// Looks every token up anew, by one indexed read: a revoked key stops with its next request.
    ///
    /// - Parameters:
    ///   - uses: where it is noted that a key called, whether it was let in or not.
    ///   - limiter: whose limits every request is held against, as soon as it is known who calls.
    public static func authenticator(
        _ store: Store, uses: KeyUses = KeyUses(), limiter: RateLimiter = RateLimiter(.off)
    ) -> Authenticator {
        let limiting = RateLimiting(limiter)
        return { request in
            let token: String
            switch request.bearer {
            case .missing: throw Problem.missingCredentials()
            case .malformed: throw Problem.invalidCredentials()
            case .token(let text): token = text
            }
            try limiting.checkBefore(token, from: request.address)
            guard let principal = try await store.authenticate(token: token) else {
                limiting.failed(token, from: request.address)
                throw Problem.invalidCredentials()
            }
            if case .key(let key) = principal { uses.note(key) }
            request.addHeaders(try limiting.admit(principal, token))
            try authorize(principal, request)
            var metadata: [String: String] = ["caller": principal.actor.kind, "key_id": principal.id.lowercased]
            if let workspace = principal.workspace { metadata["workspace"] = workspace.lowercased }
            var access = AccessContext(
                workspace: principal.workspace, actor: principal.actor, address: request.address,
                requestID: request.requestID)
            let caller = try await AccessContext.$current.withValue(access) {
                try await Self.caller(principal, request, store)
            }
            access.actor = caller.actor
            if caller.actor != principal.actor { access.key = principal.actor }
            return Authentication(
                principal: Session(principal: principal, caller: caller), access: access,
                logMetadata: metadata.mapValues { .string($0) })
        }
    }

    /// The agent that `X-Agent-Id` names. Only a workspace's key speaks for its agents: for anybody else there is none.
    private static func caller(
        _ principal: Principal, _ request: AuthenticationRequest, _ store: Store
    ) async throws -> Caller {
        // Operations on workspaces do not know the header.
        guard request.permission != .operate, let text = request.headers[.xAgentID] else {
            return Caller(source: .api, actor: principal.actor)
        }
        guard case .key(let key) = principal, let id = UUID(uuidString: text),
            let agent = try await store.callerAgent(id, in: key.workspace)
        else {
            throw Problem(
                .unknownActor, detail: "X-Agent-Id names no living agent of this workspace.",
                errors: [
                    ProblemItem(.header("X-Agent-Id"), code: "unknown-reference", detail: "there is no such agent")
                ])
        }
        return Caller(source: .agent, actor: agent)
    }

    static func authorize(_ principal: Principal, _ request: AuthenticationRequest) throws(Problem) {
        switch principal {
        case .operatorKey:
            guard request.permission == .operate || request.permission == .observe else {
                throw .forbidden("An operator key makes and changes workspaces; use a key of the workspace.")
            }
        case .key(let key):
            try authorize(key.limits, request)
        case .channel(_, let id, _):
            guard request.permission == .receive else {
                throw .forbidden("A channel's token only posts inbound events.")
            }
            // Another channel, of this workspace or not: for this token there is none.
            guard request.pathParameters["channel_id"].flatMap({ UUID(uuidString: $0) }) == id else {
                throw .notFound("channel")
            }
        }
    }
}

extension Authentications {
    /// From where, then what: who calls from elsewhere is told nothing about the key.
    private static func authorize(_ limits: KeyLimits, _ request: AuthenticationRequest) throws(Problem) {
        guard limits.admits(request.address.flatMap { IPAddress($0) }) else {
            throw .addressNotAllowed(request.address)
        }
        if request.permission == .operate { throw .forbidden("Workspaces are managed with an operator key.") }
        guard limits.role.grants(request.permission) else {
            throw .insufficientRole(limits.role, for: request.permission)
        }
        // A route without a scope is for keys that have none either.
        if let scopes = limits.scopes, request.scope.map({ !scopes.contains($0) }) ?? true {
            throw .insufficientScope(request.scope)
        }
    }
}

/// Who calls, and on whose behalf: what the authenticator hands to handlers.
public struct Session: Sendable {
    public let principal: Principal
    /// Source and actor of everything the call changes (S1): the agent that `X-Agent-Id` names, else the key.
    public let caller: Caller
}

extension APIRequest {
    /// The tenant that the caller belongs to.
    /// - Throws: 403 for a caller without one.
    public func workspace() throws(Problem) -> UUID {
        guard let workspace = try caller().principal.workspace else { throw .forbidden("Use a key of the workspace.") }
        return workspace
    }

    /// Who calls.
    public func caller() throws(Problem) -> Session { try principal(as: Session.self) }

    /// The tenant, and who changes something in it.
    public func workspaceAndCaller() throws(Problem) -> (UUID, Caller) { (try workspace(), try caller().caller) }
}
