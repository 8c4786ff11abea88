import Core
import OrderedCollections

/// An error of another layer that knows what the client should be told. Conform it in one place of this module; what
/// does not conform becomes an `internal` problem that tells nothing.
public protocol ProblemConvertible: Error {
    /// What the client is told.
    var problem: Problem { get }
}

extension JSONError: ProblemConvertible {
    public var problem: Problem {
        Problem(
            .malformedJSON, detail: "\(reason.rawValue.prefix(1).uppercased())\(reason.rawValue.dropFirst()).",
            members: [
                "line": .integer(Int64(line)), "column": .integer(Int64(column)), "offset": .integer(Int64(offset)),
            ])
    }
}

extension Problem {
    /// What the client is told about any error, and whether the error itself belongs into the log: everything that
    /// ends as 5xx does, and nobody but the log sees it. But not that there is too much to do: thousands may be told so in a
    /// second, as is meant, and the request's own line says it.
    static func describing(_ error: any Error) -> (problem: Problem, isWorthLogging: Bool) {
        switch error {
        case let problem as Problem:
            return (problem, problem.isFault)
        case let error as any ProblemConvertible:
            let problem = error.problem
            return (problem, problem.isFault)
        case is CancellationError:
            // Handlers are cancelled only by a shutdown whose patience has ended.
            return (.unavailable("The server is stopping."), false)
        default:
            return (Problem(.internalError, detail: "Quote the instance when reporting this."), true)
        }
    }

    private var isFault: Bool { type.status >= 500 && type.name != ProblemType.overloaded.name }
}
