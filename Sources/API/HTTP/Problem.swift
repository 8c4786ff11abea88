import Core
import HTTPTypes
import OrderedCollections

/// A refusal or failure as the client will read it (RFC 9457). Thrown by handlers, answered by the server.
///
/// Whatever stands in one is shown to the client: no database messages, no secrets, no other workspace's data.
public struct Problem: Error, Sendable {
    /// The kind; decides status and title.
    public var type: ProblemType
    /// What happened this time, for people.
    public var detail: String?
    /// Every single mistake, where there are several places to point at.
    public var errors: [ProblemItem]
    /// Further members for programs, such as `limit` or `conversation_id`, in the order given.
    public var members: OrderedDictionary<String, JSON>
    /// Headers that go with it.
    public var headers: HTTPFields

    /// Describes one occurrence.
    public init(
        _ type: ProblemType, detail: String? = nil, errors: [ProblemItem] = [],
        members: OrderedDictionary<String, JSON> = [:], headers: HTTPFields = HTTPFields()
    ) {
        self.type = type
        self.detail = detail
        self.errors = errors
        self.members = members
        self.headers = headers
    }

    /// The document. `instance` is the request's id; leave it out for a problem inside another answer.
    public func json(instance: String? = nil) -> JSON {
        var document: OrderedDictionary<String, JSON> = [
            "type": .string(type.uri), "title": .string(type.title), "status": .integer(Int64(type.status)),
        ]
        if let detail { document["detail"] = .string(detail) }
        if let instance { document["instance"] = .string(instance) }
        if !errors.isEmpty { document["errors"] = .array(errors.map(\.json)) }
        for (name, value) in members where document[name] == nil { document[name] = value }
        return .object(document)
    }
}

/// One mistake inside a problem: a place in the body or a query parameter, the kind of mistake and an explanation.
public struct ProblemItem: Sendable, Hashable {
    /// Where the mistake is.
    public enum Place: Sendable, Hashable {
        /// JSON pointer (RFC 6901) into the body.
        case pointer(String)
        /// Name of a query parameter.
        case parameter(String)
        /// Name of a header.
        case header(String)
    }

    public let place: Place
    /// Stable for programs: `missing`, `unknown-parameter` …
    public let code: String
    public let detail: String

    /// Names one mistake.
    public init(_ place: Place, code: String, detail: String) {
        self.place = place
        self.code = code
        self.detail = detail
    }

    /// A mistake in the body.
    public init(_ error: FieldError) {
        self.init(.pointer(error.pointer), code: error.code, detail: error.detail)
    }

    var json: JSON {
        let (name, value) =
            switch place {
            case .pointer(let pointer): ("pointer", pointer)
            case .parameter(let parameter): ("parameter", parameter)
            case .header(let header): ("header", header)
            }
        return .object([name: .string(value), "code": .string(code), "detail": .string(detail)])
    }
}

extension Problem {
    /// 422 with every mistake of the body.
    public static func validationFailed(_ errors: [FieldError]) -> Problem {
        let detail =
            errors.count == 1 ? "There is a mistake in the body." : "There are \(errors.count) mistakes in the body."
        return Problem(.validationFailed, detail: detail, errors: errors.map(ProblemItem.init))
    }

    /// 422 for a single field.
    public static func invalid(_ pointer: String, _ code: String, _ detail: String) -> Problem {
        validationFailed([FieldError(pointer: pointer, code: code, detail: detail)])
    }

    /// 404. The same for what never was, what is gone and what belongs to another workspace.
    public static func notFound(_ what: String = "resource") -> Problem {
        Problem(.notFound, detail: "There is no such \(what).")
    }

    /// 409 of some kind.
    public static func conflict(
        _ type: ProblemType = .conflict, _ detail: String, members: OrderedDictionary<String, JSON> = [:]
    ) -> Problem { Problem(type, detail: detail, members: members) }

    /// 401 where no key was sent: the challenge names no error (RFC 6750, section 3.1).
    public static func missingCredentials() -> Problem {
        Problem(
            .unauthenticated, detail: "Send a key as `Authorization: Bearer …`.",
            headers: [.wwwAuthenticate: "Bearer realm=\"switchboard\""])
    }

    /// 401 where the key is malformed, unknown or revoked; which of these is not told.
    public static func invalidCredentials() -> Problem {
        Problem(
            .unauthenticated, detail: "The key is unknown or revoked.",
            headers: [.wwwAuthenticate: "Bearer realm=\"switchboard\", error=\"invalid_token\""])
    }

    /// 403.
    public static func forbidden(_ detail: String) -> Problem { Problem(.forbidden, detail: detail) }

    /// 403 for a role that does not permit something.
    static func insufficientRole(_ role: Role, for permission: Permission) -> Problem {
        Problem(
            .insufficientRole, detail: "The key's role, \(role.rawValue), does not permit this.",
            members: ["role": .string(role.rawValue), "required_role": .text(Role.least(for: permission)?.rawValue)])
    }

    /// 403 for a key that is limited to other scopes (RFC 6750, section 3.1).
    static func insufficientScope(_ scope: Scope?) -> Problem {
        guard let scope else { return Problem(.insufficientScope, detail: "No scope covers this operation.") }
        return Problem(
            .insufficientScope, detail: "The key lacks the scope \(scope.rawValue).",
            members: ["required_scope": .string(scope.rawValue)],
            headers: [
                .wwwAuthenticate:
                    "Bearer realm=\"switchboard\", error=\"insufficient_scope\", scope=\"\(scope.rawValue)\""
            ])
    }

    /// 403 for a key that is limited to other addresses.
    static func addressNotAllowed(_ address: String?) -> Problem {
        Problem(
            .addressNotAllowed, detail: "The key may not be used from \(address ?? "an unknown address").",
            members: ["address": .text(address)])
    }

    /// 429, with the seconds after which it is worth asking again.
    public static func tooManyRequests(retryAfter seconds: Int) -> Problem {
        Problem(.tooManyRequests, detail: "Try again in \(seconds) s.", headers: [.retryAfter: String(max(seconds, 1))])
    }

    /// 503 while something needed is away.
    public static func unavailable(_ detail: String = "Try again shortly.", retryAfter seconds: Int = 2) -> Problem {
        Problem(.unavailable, detail: detail, headers: [.retryAfter: String(max(seconds, 1))])
    }

    /// 503 while there is more to do than can be done in time. Those refused at the same moment are asked to come back at
    /// different ones.
    static func overloaded(_ detail: String) -> Problem {
        Problem(.overloaded, detail: detail, headers: [.retryAfter: String(Int.random(in: 1...3))])
    }

    static func contentTooLarge(limit: Int) -> Problem {
        Problem(
            .contentTooLarge, detail: "The body may have at most \(limit) bytes.",
            members: ["limit": .integer(Int64(limit))])
    }

    static func badCursor() -> Problem {
        Problem(.badCursor, detail: "The cursor does not belong to this list with these filters.")
    }
}
