import HTTPTypes

/// A kind of problem (RFC 9457) that the API answers with: what clients branch on. Names and statuses are a promise;
/// a kind may be added, none renamed.
public struct ProblemType: Sendable, Hashable {
    /// The last part of the type's URI reference, lower case with hyphens: `validation-failed`.
    public let name: String
    /// The HTTP status it is always answered with.
    public let status: Int
    /// A short summary that does not change from one occurrence to the next.
    public let title: String
    /// One sentence for the reader of the documentation: when this happens and what to do.
    public let explanation: String

    /// Declares a kind of problem; those of the API stand in `all`.
    public init(_ name: String, _ status: Int, _ title: String, _ explanation: String) {
        self.name = name
        self.status = status
        self.title = title
        self.explanation = explanation
    }

    /// The `type` member: a URI reference relative to the API's root, which also serves its explanation.
    public var uri: String { "/problems/\(name)" }
}

// MARK: 400, the request cannot be read

extension ProblemType {
    public static let badRequest = ProblemType(
        "bad-request", 400, "Bad request",
        "The request's head is wrong: a missing Host or a header that cannot be read.")
    public static let malformedJSON = ProblemType(
        "malformed-json", 400, "Malformed JSON",
        "The body is not one JSON value; line, column and offset say where. Duplicate keys and NUL are refused too.")
    public static let badQuery = ProblemType(
        "bad-query", 400, "Bad query", "Query parameters are unknown, repeated or wrong; `errors` names each.")
    public static let badCursor = ProblemType(
        "bad-cursor", 400, "Bad cursor",
        "The cursor was not given out for this list with these filters; begin again without one.")
}

// MARK: 401 and 403, who is asking

extension ProblemType {
    public static let unauthenticated = ProblemType(
        "unauthenticated", 401, "Not authenticated", "There is no key, or it is unknown or revoked.")
    public static let forbidden = ProblemType(
        "forbidden", 403, "Not allowed", "The key is good, but of the wrong kind for this operation.")
    public static let insufficientRole = ProblemType(
        "insufficient-role", 403, "Insufficient role",
        "The key's role does not permit this operation; `required_role` is the least that does.")
    public static let insufficientScope = ProblemType(
        "insufficient-scope", 403, "Insufficient scope",
        "The key is limited to other scopes; `required_scope` is the one that is missing.")
    public static let addressNotAllowed = ProblemType(
        "address-not-allowed", 403, "Address not allowed",
        "The key is limited to other addresses; `address` is the one that the call came from.")
    public static let beyondOwnKey = ProblemType(
        "beyond-own-key", 403, "Beyond the own key",
        "A key neither makes nor changes one that may do more than itself; `errors` says in what.")
}

// MARK: 404 to 428, what is asked for and how

extension ProblemType {
    public static let notFound = ProblemType(
        "not-found", 404, "Not found", "There is no such path, or no such resource in this workspace.")
    public static let methodNotAllowed = ProblemType(
        "method-not-allowed", 405, "Method not allowed",
        "The path exists, the method does not; `Allow` lists those that do.")
    public static let preconditionFailed = ProblemType(
        "precondition-failed", 412, "Precondition failed",
        "The resource is not as `If-Match` or `If-None-Match` demands; `ETag` is its present tag. Read it again.")
    public static let preconditionRequired = ProblemType(
        "precondition-required", 428, "Precondition required",
        "The workspace takes PATCH, PUT and DELETE only with `If-Match` (or `If-None-Match`).")
    public static let requestTimeout = ProblemType(
        "request-timeout", 408, "Request timed out",
        "The whole request did not arrive in time; the connection is closed.")
    public static let contentTooLarge = ProblemType(
        "content-too-large", 413, "Content too large",
        "The body is larger than this operation takes; `limit` says how many bytes.")
    public static let unsupportedMediaType = ProblemType(
        "unsupported-media-type", 415, "Unsupported media type",
        "The body's type is not `application/json`, or `application/merge-patch+json` for PATCH, in UTF-8, uncompressed."
    )
    public static let expectationFailed = ProblemType(
        "expectation-failed", 417, "Expectation failed", "`Expect` asks for something other than `100-continue`.")
}

// MARK: 409, the state forbids it

extension ProblemType {
    public static let conflict = ProblemType(
        "conflict", 409, "Conflict", "The resource's present state does not allow this; `detail` says why.")
    public static let agentAtLimit = ProblemType(
        "agent-at-limit", 409, "Agent at limit", "The agent already has as many open conversations as allowed.")
    public static let agentHasOpenConversations = ProblemType(
        "agent-has-open-conversations", 409, "Agent has open conversations",
        "Say with `open=return` or `open=transfer&to=…` what becomes of them.")
    public static let agentInUse = ProblemType(
        "agent-in-use", 409, "Agent in use",
        "A published workflow assigns to the agent, or conversations wait in its line.")
    public static let assigneeChanged = ProblemType(
        "assignee-changed", 409, "Assignee changed",
        "`if_assignee_id` is not the assignee any more: somebody was faster.")
    public static let conversationClosed = ProblemType(
        "conversation-closed", 409, "Conversation closed",
        "A closed conversation does not change; a new message opens a new one.")
    public static let conversationAlreadyOpen = ProblemType(
        "conversation-already-open", 409, "Conversation already open",
        "The contact has an open conversation, and can have only one; `conversation_id` names it.")
    public static let teamInUse = ProblemType(
        "team-in-use", 409, "Team in use",
        "A published workflow assigns to the team, or conversations wait in its line.")
    public static let channelInUse = ProblemType(
        "channel-in-use", 409, "Channel in use", "A published workflow refers to the channel.")
    public static let categoryInUse = ProblemType(
        "category-in-use", 409, "Closing category in use", "The workspace demands a category and this is the last one.")
    public static let nameTaken = ProblemType(
        "name-taken", 409, "Name taken", "Another living resource of this kind has the name, ignoring case.")
    public static let emailTaken = ProblemType(
        "email-taken", 409, "E-mail taken", "Another living agent has the e-mail address, ignoring case.")
    public static let identityTaken = ProblemType(
        "identity-taken", 409, "Identity taken", "The channel already knows that external id as another contact.")
    public static let contactBlocked = ProblemType(
        "contact-blocked", 409, "Contact blocked", "Nothing is opened for, or sent to, a blocked contact.")
    public static let workflowPublished = ProblemType(
        "workflow-published", 409, "Workflow published", "The workflow has a live version; stop it first.")
    public static let workflowNotPublished = ProblemType(
        "workflow-not-published", 409, "Workflow not published", "There is no live version to stop or to start runs of."
    )
    public static let lastOwnerKey = ProblemType(
        "last-owner-key", 409, "Last owner key",
        "It is the workspace's last owner key without limits; make another one first.")
    public static let jobRunExists = ProblemType(
        "job-run-exists", 409, "Job run exists", "The job has a run for this window already.")
    public static let jobRunning = ProblemType(
        "job-running", 409, "Job running", "The job run has no result yet.")
    public static let idempotencyKeyInUse = ProblemType(
        "idempotency-key-in-use", 409, "Idempotency key in use",
        "The first request with this `Idempotency-Key` is still being handled; ask again shortly.")
}

// MARK: 422, understood and wrong

extension ProblemType {
    public static let validationFailed = ProblemType(
        "validation-failed", 422, "Validation failed",
        "The body is JSON but not what is needed; `errors` names every mistake by JSON pointer.")
    public static let idempotencyKeyReused = ProblemType(
        "idempotency-key-reused", 422, "Idempotency key reused",
        "This `Idempotency-Key` was used before with another request.")
    public static let unknownActor = ProblemType(
        "unknown-actor", 422, "Unknown acting agent", "`X-Agent-Id` names no living agent of the workspace.")
}

// MARK: 429 and 5xx, not now

extension ProblemType {
    public static let tooManyRequests = ProblemType(
        "too-many-requests", 429, "Too many requests",
        "A rate limit is used up: the key's, the channel's, the workspace's, or the address's for wrong tokens. "
            + "`Retry-After` says for how many seconds, `violated-policies` which.")
    public static let internalError = ProblemType(
        "internal", 500, "Internal error", "A fault of ours; `instance` finds it in the log.")
    public static let unavailable = ProblemType(
        "unavailable", 503, "Temporarily unavailable",
        "Something this depends on, such as the database, is away; try again after `Retry-After`.")
    public static let overloaded = ProblemType(
        "overloaded", 503, "Overloaded",
        "There is more to do than can be done in time; nothing was done. Try again after `Retry-After`.")
}

extension ProblemType {
    /// Every kind, in the order of status and name; documentation and tests walk it.
    public static let all: [ProblemType] = [
        badCursor, badQuery, badRequest, malformedJSON,
        unauthenticated, addressNotAllowed, beyondOwnKey, forbidden, insufficientRole, insufficientScope, notFound,
        methodNotAllowed, requestTimeout,
        agentAtLimit, agentHasOpenConversations, agentInUse, assigneeChanged, categoryInUse, channelInUse, conflict,
        contactBlocked, conversationAlreadyOpen, conversationClosed, emailTaken, idempotencyKeyInUse, identityTaken,
        jobRunExists, jobRunning, lastOwnerKey, nameTaken, teamInUse, workflowNotPublished, workflowPublished,
        preconditionFailed, contentTooLarge, unsupportedMediaType, expectationFailed,
        idempotencyKeyReused, unknownActor, validationFailed, preconditionRequired,
        tooManyRequests, internalError, overloaded, unavailable,
    ]
}
