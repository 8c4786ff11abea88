import Core
import Foundation

/// Everything that one transaction is going to write, gathered row by row and written table by table.
///
/// One writer for ingest, the worker, the lines and the API: a change and its event go through the same hands, so neither
/// exists without the other (invariant 4). Each table is one statement over `unnest`ed arrays, however many rows there are.
public final class Changes {
    public var contactsInserted: [ContactRow] = []
    public var contactsUpdated: [UUID: ContactRow] = [:]
    public var conversationsInserted: [Conversation] = []
    public var conversationsUpdated: [UUID: Conversation] = [:]
    public var messages: [MessageRow] = []
    public var receipts: [ReceiptRow] = []
    public var comments: [CommentRow] = []
    public var events: [Event] = []
    public var runsInserted: [RunCandidateRow] = []
    public var runsUpdated: [RunRow] = []
    public var runsDeleted: [UUID] = []
    public var signals: [SignalRow] = []
    public var signalsTaken: [SignalKey] = []
    public var runLog: [RunLogRow] = []
    public var entriesInserted: [LineEntryRow] = []
    public var entriesDeleted: Set<UUID> = []
    public var marks: Set<UUID> = []
    public var lines: [LineRow] = []
    public var decisions: [DecisionRow] = []
    public var assignments: [AssignmentRow] = []
    public var openCounts: [UUID: Int] = [:]
    public var agentTurns: [UUID: Int64] = [:]
    public var memberTurns: [MemberKey: Int64] = [:]
    public var outbox: [OutboxRow] = []
    public var fieldsUsed: Set<String> = []

    /// The tenant that all of this belongs to. One transaction writes for one workspace (S35).
    public var workspaceID: UUID?

    public init() {}

    /// Notes that the conversation's row is to be written as it stands now.
    public func update(_ conversation: Conversation) {
        if let index = conversationsInserted.firstIndex(where: { $0.id == conversation.id }) {
            conversationsInserted[index] = conversation
        } else {
            conversationsUpdated[conversation.id] = conversation
        }
    }

    /// Changes how many conversations an agent holds, by `delta`.
    public func count(agent: UUID, by delta: Int) {
        openCounts[agent, default: 0] += delta
    }
}

extension StoreTransaction {
    /// Queues everything gathered so far, parents before children, and empties the list. Nothing is waited for: an error
    /// shows at the next wait or at the commit.
    public func flush() throws {
        guard let workspace = changes.workspaceID else { return }
        try flushPeople(workspace)
        try flushConversations(workspace)
        try flushRuns(workspace)
        try flushLines(workspace)
        try flushOutbox(workspace)
    }
}
