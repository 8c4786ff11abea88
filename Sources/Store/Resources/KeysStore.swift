import Addresses
import Core
import Foundation
import Postgres

/// A workspace's key without its secret.
public struct APIKey: Sendable, Hashable {
    public let id: UUID
    public let name: String
    public let limits: KeyLimits
    public let createdAt: Date
    /// When it called last, to about a minute; nil when it never did.
    public let lastUsedAt: Date?
    /// Until then the secret before the last rotation is valid too; nil when it is not.
    public let previousValidUntil: Date?
    public let revokedAt: Date?
}

/// What a merge-patch of a key says.
public struct KeyPatch: Sendable {
    public var name: String?
    public var scopes: Patch<Set<Scope>>
    public var expiresAt: Patch<Date>
    public var allowedAddresses: Patch<[AddressRange]>

    public init(
        name: String? = nil, scopes: Patch<Set<Scope>> = .absent, expiresAt: Patch<Date> = .absent,
        allowedAddresses: Patch<[AddressRange]> = .absent
    ) {
        self.name = name
        self.scopes = scopes
        self.expiresAt = expiresAt
        self.allowedAddresses = allowedAddresses
    }
}

/// Who changes keys, and so what must not happen (S48).
public enum KeyAuthority: Sendable, Hashable {
    /// A key of the workspace: it touches no key that may more than itself, and leaves an owner key without limits.
    case key(KeyLimits)
    /// Who stands above workspaces can always make another owner key.
    case `operator`
}

/// The key asked for, or changed, may more than the key that asks.
public struct BeyondOwnKey: Error, Sendable {
    /// In what.
    public let errors: [FieldError]
}

extension Store {
    /// A workspace's keys in the order of their making, revoked ones included.
    public func keys(in workspace: UUID, after: UUID?, limit: Int) async throws -> [APIKey] {
        try await all("api_keys_list", [workspace, after ?? .lowest, limit], APIKey.init(row:))
    }

    public func key(_ id: UUID, in workspace: UUID) async throws -> APIKey {
        try await one("api_key_get", [workspace, id], what: "key", APIKey.init(row:))
    }
}

extension StoreTransaction {
    /// - Throws: `BeyondOwnKey`.
    /// - Returns: the key, and its text: this once, it is not kept.
    public func createKey(
        name: String, limits: KeyLimits, by authority: KeyAuthority = .operator, in workspace: UUID
    ) throws -> (key: APIKey, token: String) {
        try authority.refuseExcess(of: limits)
        let token = SecretToken(.key, id: newID())
        let row = try one(
            "api_key_insert",
            [workspace, token.id, name, limits.role.rawValue, token.hash] + limits.binds, what: "key")
        return (try APIKey(row: row), token.text)
    }

    /// An owner key without limits, by whoever stands above workspaces: the way back into one whose keys are lost.
    public func createOwnerKey(name: String, in workspace: UUID) throws -> (key: APIKey, token: String) {
        _ = try one("workspace_get", [workspace], what: "workspace")
        try enter(workspace)
        return try createKey(name: name, limits: KeyLimits(role: .owner), in: workspace)
    }

    /// - Throws: `.lastOwnerKey`, `BeyondOwnKey`.
    public func updateKey(
        _ id: UUID, _ patch: KeyPatch, if precondition: Precondition<APIKey>? = nil, by authority: KeyAuthority,
        in workspace: UUID
    ) throws -> APIKey {
        let owners = try unlimitedOwners(in: workspace)
        let current = try changeable(id, by: authority, in: workspace)
        try demand(precondition, in: workspace, current)
        var limits = current.limits
        limits.scopes = patch.scopes.applied(to: limits.scopes)
        limits.expiresAt = patch.expiresAt.applied(to: limits.expiresAt)
        limits.allowedAddresses = patch.allowedAddresses.applied(to: limits.allowedAddresses)
        let name = patch.name ?? current.name
        guard name != current.name || limits != current.limits else { return current }
        try authority.refuseExcess(of: limits)
        if !limits.isUnlimitedOwner { try authority.refuseLosing(id, of: owners) }
        return try APIKey(row: one("api_key_update", [workspace, id, name] + limits.binds, what: "key"))
    }

    /// Gives the key a new secret; the one before it is valid for `overlap` seconds more, the one before that no longer.
    /// - Throws: `.conflict` for a key that is revoked or expired; `BeyondOwnKey`.
    /// - Returns: the key, and its new text: this once, it is not kept.
    public func rotateKey(
        _ id: UUID, overlap: TimeInterval, by authority: KeyAuthority, in workspace: UUID
    ) throws -> (key: APIKey, token: String) {
        _ = try changeable(id, by: authority, in: workspace)
        let token = SecretToken(.key, id: id)
        guard let row = try query("api_key_rotate", [workspace, id, token.hash, overlap]).first else {
            throw StoreError.conflict(.conflict, detail: "The key is revoked or expired; make a new one.")
        }
        return (try APIKey(row: row), token.text)
    }

    /// Revoking twice is revoking once.
    /// - Throws: `.lastOwnerKey`, `BeyondOwnKey`.
    public func revokeKey(
        _ id: UUID, if precondition: Precondition<APIKey>? = nil, by authority: KeyAuthority = .operator,
        in workspace: UUID
    ) throws -> APIKey {
        let owners = try unlimitedOwners(in: workspace)
        let current = try changeable(id, by: authority, in: workspace)
        try demand(precondition, in: workspace, current)
        try authority.refuseLosing(id, of: owners)
        return try APIKey(row: one("api_key_revoke", [workspace, id], what: "key"))
    }

    /// The key, locked against other changes.
    private func changeable(_ id: UUID, by authority: KeyAuthority, in workspace: UUID) throws -> APIKey {
        let key = try APIKey(row: one("api_key_lock", [workspace, id], what: "key"))
        try authority.refuseExcess(of: key.limits)
        return key
    }

    /// The owner keys that nothing limits, locked before any other key is: of two owners who revoke each other's key at
    /// once, the second waits and finds itself alone.
    private func unlimitedOwners(in workspace: UUID) throws -> [UUID] {
        try query("api_keys_lock_unlimited_owners", [workspace]).decode("id")
    }
}

extension KeyAuthority {
    fileprivate func refuseExcess(of limits: KeyLimits) throws {
        guard case .key(let own) = self else { return }
        let errors = limits.excess(over: own)
        if !errors.isEmpty { throw BeyondOwnKey(errors: errors) }
    }

    fileprivate func refuseLosing(_ id: UUID, of owners: [UUID]) throws {
        guard self != .operator, owners == [id] else { return }
        throw StoreError.conflict(
            .lastOwnerKey,
            detail: "It is the workspace's last owner key without limits. Make another one first, or ask the operator.")
    }
}

extension KeyLimits {
    /// Scopes, end and addresses, as statements take them.
    fileprivate var binds: [any PostgresBindable] {
        // In the order of their declaration, so that the same scopes are the same array.
        let names = scopes.map { scopes in Scope.allCases.filter(scopes.contains).map(\.rawValue) }
        return [names, expiresAt, allowedAddresses.map { $0.map(\.description) }]
    }
}

extension APIKey {
    fileprivate init(row: PostgresRow) throws {
        id = try row.decode("id")
        name = try row.decode("name")
        limits = try KeyLimits(row: row)
        createdAt = try row.decode("created_at")
        lastUsedAt = try row.decode("last_used_at")
        previousValidUntil = try row.decode("previous_valid_until")
        revokedAt = try row.decode("revoked_at")
    }
}
