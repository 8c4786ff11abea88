import Core
import NIOHTTP1

/// An answer given by the connection itself, for what never becomes a request with a handler. The connection ends with it.
struct Refusal: Sendable {
    let status: HTTPResponseStatus
    /// Why, for the log.
    let reason: String
    /// Nil answers without a body.
    let problem: Problem?

    /// Not HTTP, or beyond the limits of a head: there is nothing to answer a document to.
    static let malformed = Refusal(status: .badRequest, reason: "malformed request", problem: nil)

    static let timedOut = Refusal(
        status: .requestTimeout, reason: "request did not arrive in time",
        problem: Problem(.requestTimeout, detail: "The request did not arrive completely in time."))

    static func badRequest(_ detail: String) -> Refusal {
        Refusal(status: .badRequest, reason: detail, problem: Problem(.badRequest, detail: detail))
    }
}

/// What a handler waiting for a body is told when the request will never be complete.
struct RequestAborted: Error {
    /// The peer was told why and the log as well; false when it went away.
    let wasRefused: Bool
}

/// Sent down the pipeline when the body is wanted: the peer may be waiting for `100 Continue`.
struct BodyWanted: Sendable {}
