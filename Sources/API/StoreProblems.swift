import Core
import OrderedCollections
import Postgres
import Store

extension StoreError: ProblemConvertible {
    public var problem: Problem {
        switch self {
        case .notFound(let what): .notFound(what)
        case .invalid(let errors): .validationFailed(errors)
        case .conflict(.idempotencyKeyInUse, let detail, _):
            Problem(.idempotencyKeyInUse, detail: detail, headers: [.retryAfter: "1"])
        case .conflict(let kind, let detail, let members):
            .conflict(
                kind.problemType, detail,
                members: OrderedDictionary(uniqueKeysWithValues: members.sorted { $0.key < $1.key }))
        }
    }
}

extension Conflict {
    /// The documented kind of problem; a test walks all cases.
    var problemType: ProblemType { ProblemType.all.first { $0.name == rawValue } ?? .conflict }
}

extension BeyondOwnKey: ProblemConvertible {
    public var problem: Problem {
        Problem(
            .beyondOwnKey, detail: "A key neither makes nor changes one that may do more than itself.",
            errors: errors.map(ProblemItem.init))
    }
}

extension IdempotencyKeyReused: ProblemConvertible {
    public var problem: Problem {
        Problem(
            .idempotencyKeyReused, detail: "Use a new key for a new request.",
            errors: [ProblemItem(.header("Idempotency-Key"), code: "reused", detail: "belongs to another request")])
    }
}

extension PostgresError: ProblemConvertible {
    public var problem: Problem {
        switch kind {
        case .overloaded: return .overloaded("The database is behind.")
        case .connection, .closed, .cancelled: return .unavailable("The database is away or busy.")
        case .commitUnknown:
            return .unavailable(
                "The database was lost while committing; the change may have been made. Look before repeating.")
        case .encoding: return Problem(.badRequest, detail: "A text in the path or query contains NUL.")
        case .server: return isTemporary ? .unavailable("The database is busy.") : .fault
        case .decoding, .unknownStatement, .configuration: return .fault
        }
    }
}

extension Problem {
    fileprivate static var fault: Problem { Problem(.internalError, detail: "Quote the instance when reporting this.") }
}
