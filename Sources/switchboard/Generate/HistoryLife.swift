import Core
import Crypto
import Foundation
import Postgres

/// One conversation of a generated history while it lasts, with the rows that tell of it.
struct HistoryLife {
    var conversation: Conversation
    let person: Int
    /// Tells a plan for this conversation from one for an earlier user of its slot.
    let topic: String
    var runID: UUID?
    var run = RunState()
    var runStarted: Date?
    var runEnded: Date?
    var trigger: UUID?
    /// What it stands in line with.
    var entry: HistorySimulation.Entry?
    var team: Int?
    var seat: Int?
    var turnsLeft: Int
    private(set) var rows = HistoryBatch()

    init(_ conversation: Conversation, person: Int, topic: String, turns: Int) {
        self.conversation = conversation
        self.person = person
        self.topic = topic
        turnsLeft = turns
    }

    mutating func add(_ table: HistoryTable, _ row: [any PostgresBindable & Sendable]) { rows.add(table, row) }

    /// Numbers the fact and keeps its row.
    @discardableResult
    mutating func record(
        _ type: EventType, id: UUID, by caller: Caller, at now: Date, in workspace: UUID, _ data: [(String, JSON?)]
    ) -> Date {
        let event = conversation.record(type, id: id, by: caller, at: now, data: JSON(present: data))
        rows.add(.events, HistoryLife.row(of: event, in: workspace))
        return event.occurredAt
    }

    static func row(of event: Event, in workspace: UUID) -> [any PostgresBindable & Sendable] {
        [
            workspace, event.id, event.type.rawValue, event.conversationID, event.sequence, event.occurredAt,
            event.source.rawValue, event.actor.json.text, event.data.text,
        ]
    }

    mutating func message(
        _ text: String, id: UUID, incoming: Bool, by caller: Caller, externalID: String?, at date: Date,
        in workspace: UUID
    ) {
        rows.add(
            .messages,
            [
                workspace, id, conversation.id, conversation.contactID, conversation.channelID,
                incoming ? "incoming" : "outgoing", caller.source.rawValue, caller.agentID,
                caller.source == .workflow ? runID : nil, text, incoming ? "received" : "sent", externalID, date, date,
            ])
        guard let externalID, let channel = conversation.channelID else { return }
        rows.add(
            .receipts,
            [
                workspace, channel, Array(SHA256.hash(data: Data(externalID.utf8))), id, conversation.id, id == trigger,
                id,
            ])
    }

    /// All rows, with those that say how it ended or stands.
    func finished(_ directory: HistoryDirectory) -> HistoryBatch {
        var rows = rows
        let workspace = directory.workspace
        let (c, reply) = (conversation, conversation.firstReply)
        rows.add(
            .conversations,
            [
                workspace, c.id, c.contactID, c.channelID, c.source.rawValue, c.status.rawValue, c.team?.id,
                c.team?.name, c.assignee?.id, c.assignee?.name, c.assignedSource?.rawValue, c.assignedAt, c.waiting,
                c.openedAt, reply?.at, reply?.agent?.id, reply?.agent?.name, reply?.team?.id, reply?.team?.name,
                c.closedAt, c.closedSource?.rawValue, c.category, c.lastSequence, c.lastEventAt, c.lastEventAt,
            ])
        if let runID, let runStarted {
            rows.add(
                .runs,
                [
                    workspace, runID, directory.workflow.id, directory.version, c.contactID, c.id, run.status.name,
                    run.step, run.json.text, trigger, c.openedAt, runStarted, runEnded, c.openedAt,
                ])
        }
        if let entry, let team {
            let caller = directory.workflowCaller
            let queued = Timestamp.date(microsecondsSince1970: entry.queuedAt)
            rows.add(
                .lineEntries,
                [
                    workspace, c.id, entry.id, directory.teams[team].id, runID, entry.visit, entry.step,
                    c.priority.rank, queued, queued, entry.strategy.rawValue, true, caller.source.rawValue,
                    caller.actor.json.text,
                ])
        }
        return rows
    }
}
