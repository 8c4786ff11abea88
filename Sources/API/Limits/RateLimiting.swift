import Core
import Crypto
import Foundation
import HTTPTypes
import Store
import Synchronization

/// Asks the rate limits on behalf of the authenticator.
///
/// A token that was good a moment ago is known by its digest. So a caller beyond its limit is refused without a look into
/// the database, and somebody who guesses from the same address does not shut out those with good tokens.
struct RateLimiting: Sendable {
    let limiter: RateLimiter
    private let known = KnownTokens()

    init(_ limiter: RateLimiter) { self.limiter = limiter }

    /// Before the database is asked about the token.
    /// - Throws: 429 for a known caller beyond its limit, and for an address that guesses.
    func checkBefore(_ token: String, from address: String?) throws(Problem) {
        if let caller = known.caller(of: token) {
            let decision = limiter.look(caller)
            if !decision.isPermitted { throw .rateLimited(decision) }
        } else {
            let decision = limiter.lookAtGuess(from: AddressGroup(address))
            if !decision.isPermitted { throw .rateLimited(decision) }
        }
    }

    /// The token admits nobody.
    func failed(_ token: String, from address: String?) {
        known.forget(token)
        limiter.failed(from: AddressGroup(address))
    }

    /// Counts the request of a caller who is known now.
    /// - Returns: the headers that tell how much is left.
    /// - Throws: 429.
    func admit(_ principal: Principal, _ token: String) throws(Problem) -> HTTPFields {
        let caller = RateCaller(principal)
        known.remember(token, caller)
        let decision = limiter.take(caller)
        guard decision.isPermitted else { throw .rateLimited(decision) }
        return decision.headers
    }
}

/// Digests of tokens that were good, of the last few thousand: never the tokens.
private final class KnownTokens: Sendable {
    private static let capacity = 10_000

    private let callers = Mutex<(young: [SHA256.Digest: RateCaller], old: [SHA256.Digest: RateCaller])>(([:], [:]))

    func caller(of token: String) -> RateCaller? {
        let digest = Self.digest(token)
        return callers.withLock { $0.young[digest] ?? $0.old[digest] }
    }

    /// Two generations: what is not used while one fills is forgotten with the next.
    func remember(_ token: String, _ caller: RateCaller) {
        let digest = Self.digest(token)
        callers.withLock { callers in
            guard callers.young[digest] == nil else { return }
            if callers.young.count >= Self.capacity / 2 { callers = ([:], callers.young) }
            callers.young[digest] = caller
        }
    }

    func forget(_ token: String) {
        let digest = Self.digest(token)
        callers.withLock { callers in
            callers.young[digest] = nil
            callers.old[digest] = nil
        }
    }

    private static func digest(_ token: String) -> SHA256.Digest { SHA256.hash(data: Data(token.utf8)) }
}

extension RateCaller {
    init(_ principal: Principal) {
        switch principal {
        case .channel: self.init(.channel, id: principal.id, workspace: principal.workspace)
        default: self.init(.key, id: principal.id, workspace: principal.workspace)
        }
    }
}
