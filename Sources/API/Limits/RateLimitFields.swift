import Core
import HTTPTypes

extension HTTPField.Name {
    /// draft-ietf-httpapi-ratelimit-headers: lists of structured fields, a policy by its name.
    static let rateLimitPolicy = HTTPField.Name("RateLimit-Policy")
    static let rateLimit = HTTPField.Name("RateLimit")
}

extension RateDecision {
    /// `RateLimit-Policy: "key";q=600;w=60, …` with quota and seconds, `RateLimit: "key";r=599;t=1, …` with what is left
    /// and the seconds until all of it is back. Empty where there is no limit.
    var headers: HTTPFields {
        guard let policyName = HTTPField.Name.rateLimitPolicy, let name = HTTPField.Name.rateLimit, !states.isEmpty
        else {
            return [:]
        }
        let policies = states.map { "\"\($0.policy)\";q=\($0.limit.quota);w=\($0.limit.window)" }
        let left = states.map { "\"\($0.policy)\";r=\($0.remaining);t=\($0.reset)" }
        return [policyName: policies.joined(separator: ", "), name: left.joined(separator: ", ")]
    }
}

extension Problem {
    /// 429 of a caller beyond a limit, or of an address from which too many wrong tokens came.
    static func rateLimited(_ decision: RateDecision) -> Problem {
        var problem = tooManyRequests(retryAfter: decision.retryAfter ?? 1)
        problem.members["violated-policies"] = .array(decision.violated.map { .string($0) })
        problem.headers.append(contentsOf: decision.headers)
        return problem
    }
}
