import Addresses
import Foundation

/// What a key may do at most, from where and for how long.
public struct KeyLimits: Sendable, Hashable {
    public var role: Role
    /// Nil: everything that the role grants.
    public var scopes: Set<Scope>?
    /// Nil: never.
    public var expiresAt: Date?
    /// Nil: from anywhere.
    public var allowedAddresses: [AddressRange]?

    public init(
        role: Role, scopes: Set<Scope>? = nil, expiresAt: Date? = nil, allowedAddresses: [AddressRange]? = nil
    ) {
        self.role = role
        self.scopes = scopes
        self.expiresAt = expiresAt
        self.allowedAddresses = allowedAddresses
    }

    /// Whether it can always mend everything else: such a key has to stay in every workspace.
    public var isUnlimitedOwner: Bool {
        role == .owner && scopes == nil && expiresAt == nil && allowedAddresses == nil
    }

    /// Whether a caller at that address is let in; without an address only where every address is.
    public func admits(_ address: IPAddress?) -> Bool {
        guard let allowedAddresses else { return true }
        return address.map { address in allowedAddresses.contains { $0.contains(address) } } ?? false
    }

    /// Everything in which a key of these limits could do more than one of the others. A key neither makes nor changes
    /// such a key: it would hand itself what it was not given.
    public func excess(over other: KeyLimits) -> [FieldError] {
        func error(_ field: String, _ what: String) -> FieldError {
            FieldError(
                pointer: "/\(field)", code: "beyond-own-key", detail: "\(what) than the key that asks has itself")
        }
        var errors: [FieldError] = []
        if !other.role.includes(role) { errors.append(error("role", "grants more")) }
        if let most = other.scopes, scopes.map({ !$0.isSubset(of: most) }) ?? true {
            errors.append(error("scopes", "names more scopes"))
        }
        if let latest = other.expiresAt, expiresAt.map({ $0 > latest }) ?? true {
            errors.append(error("expires_at", "lives longer"))
        }
        if let widest = other.allowedAddresses,
            allowedAddresses.map({ !$0.allSatisfy { range in widest.contains { $0.contains(range) } } }) ?? true
        {
            errors.append(error("allowed_addresses", "admits more addresses"))
        }
        return errors
    }
}

extension Role {
    /// Whether everything that the other may, this may too.
    public func includes(_ other: Role) -> Bool { rank <= other.rank }

    private var rank: Int {
        switch self {
        case .owner: 0
        case .manager: 1
        case .agent: 2
        case .viewer: 3
        }
    }
}
