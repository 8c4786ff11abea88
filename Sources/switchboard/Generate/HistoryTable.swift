import Postgres

/// The tables of a generated history, with the columns that its rows give; what is left out has its default.
enum HistoryTable: String, CaseIterable, Sendable {
    // In the order in which rows refer to each other.
    case contacts, identities, conversations, messages
    case receipts = "message_receipts"
    case events, runs
    case runLog = "run_log"
    case lineEntries = "line_entries"
    case decisions, assignments

    var columns: [String] {
        switch self {
        case .contacts: ["workspace_id", "id", "name", "phone", "language", "tags", "created_at", "updated_at"]
        case .identities: ["workspace_id", "channel_id", "external_id", "contact_id", "created_at"]
        case .conversations:
            [
                "workspace_id", "id", "contact_id", "channel_id", "source", "status", "team_id", "team_name",
                "assignee_id", "assignee_name", "assigned_source", "assigned_at", "waiting", "opened_at",
                "first_reply_at", "first_reply_agent_id", "first_reply_agent_name", "first_reply_team_id",
                "first_reply_team_name", "closed_at", "closed_source", "category", "last_sequence", "last_event_at",
                "updated_at",
            ]
        case .messages:
            [
                "workspace_id", "id", "conversation_id", "contact_id", "channel_id", "direction", "source", "agent_id",
                "run_id", "text", "status", "external_id", "sent_at", "created_at",
            ]
        case .receipts:
            [
                "workspace_id", "channel_id", "external_hash", "message_id", "conversation_id", "opened", "request_id",
            ]
        case .events:
            [
                "workspace_id", "id", "type", "conversation_id", "sequence", "occurred_at", "source", "actor", "data",
            ]
        case .runs:
            [
                "workspace_id", "id", "workflow_id", "workflow_version", "contact_id", "conversation_id", "status",
                "step", "state", "trigger_message_id", "opened_at", "started_at", "ended_at", "created_at",
            ]
        case .runLog:
            ["workspace_id", "id", "run_id", "occurred_at", "step", "visit", "kind", "port", "data"]
        case .lineEntries:
            [
                "workspace_id", "conversation_id", "id", "line_id", "run_id", "visit", "step", "priority", "queued_at",
                "entered_at", "strategy", "only_online", "source", "actor",
            ]
        case .decisions:
            [
                "workspace_id", "id", "line_id", "line_kind", "line_name", "occurred_at", "candidates", "served",
                "waiting",
            ]
        case .assignments:
            [
                "workspace_id", "id", "conversation_id", "kind", "occurred_at", "source", "actor", "via", "agent_id",
                "agent_name", "previous_agent_id", "previous_agent_name", "team_id", "team_name", "channel_id",
                "run_id",
                "decision_id", "position", "strategy", "entered_at", "queued_at",
            ]
        }
    }
}

/// Rows by table, ready to be copied together.
struct HistoryBatch: Sendable {
    private(set) var rows: [HistoryTable: [[any PostgresBindable & Sendable]]] = [:]

    mutating func add(_ table: HistoryTable, _ row: [any PostgresBindable & Sendable]) {
        rows[table, default: []].append(row)
    }

    mutating func add(_ other: HistoryBatch) {
        for (table, more) in other.rows { rows[table, default: []] += more }
    }

    var count: Int { rows.values.reduce(0) { $0 + $1.count } }
}
