import Core

/// Why a verb changed nothing. Thrown, so that the transaction it ran in rolls back.
public enum StoreError: Error, Sendable {
    /// No such thing in this workspace; `what` names its kind (`team`, `conversation` …).
    case notFound(what: String)
    /// Understood and possible in itself, but not in the present state.
    case conflict(Conflict, detail: String, members: [String: JSON] = [:])
    /// Understood and wrong; every wrong field at once.
    case invalid([FieldError])
}

/// The kinds of conflict. The raw value is the last part of the problem's type.
public enum Conflict: String, Sendable, CaseIterable {
    case conflict
    case nameTaken = "name-taken"
    case emailTaken = "email-taken"
    case identityTaken = "identity-taken"
    case conversationClosed = "conversation-closed"
    case conversationAlreadyOpen = "conversation-already-open"
    case contactBlocked = "contact-blocked"
    case agentAtLimit = "agent-at-limit"
    case assigneeChanged = "assignee-changed"
    case agentHasOpenConversations = "agent-has-open-conversations"
    case teamInUse = "team-in-use"
    case agentInUse = "agent-in-use"
    case channelInUse = "channel-in-use"
    case workflowPublished = "workflow-published"
    case workflowNotPublished = "workflow-not-published"
    case lastOwnerKey = "last-owner-key"
    case jobRunExists = "job-run-exists"
    case idempotencyKeyInUse = "idempotency-key-in-use"
}
