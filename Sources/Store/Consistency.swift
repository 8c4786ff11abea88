import Foundation
import Postgres

/// Something about a workspace's data that must not be.
public struct InvariantViolation: Sendable, Hashable, CustomStringConvertible {
    /// What does not hold, in words.
    public let what: String
    /// How often.
    public let count: Int

    public var description: String { "\(count) × \(what)" }
}

extension Store {
    /// Statement by statement what must hold, and what it means when it does not.
    private static let checks: [(statement: String, what: String)] = [
        ("check_one_open_conversation", "a contact with several open conversations"),
        ("check_event_sequences", "a conversation whose events are not numbered without gap"),
        ("check_event_times", "an event dated before the one before it"),
        ("check_opened_once", "a conversation without exactly one opening"),
        ("check_open_counts", "an agent whose count of open conversations is wrong"),
        ("check_waiting", "a conversation that waits without standing in a line, or stands in one without waiting"),
        ("check_ended_runs", "an ended run without exactly one event that says so"),
        ("check_assignments", "an assignment without its event"),
        ("check_contact_last_assignee", "a contact whose last agent is missing"),
        ("check_identity_channel", "an identity whose channel is missing"),
        ("check_identity_contact", "an identity whose contact is missing"),
        ("check_conversation_contact", "a conversation whose contact is missing"),
        ("check_conversation_channel", "a conversation whose channel is missing"),
        ("check_conversation_team", "a conversation whose team is missing"),
        ("check_conversation_assignee", "a conversation whose agent is missing"),
        ("check_message_conversation", "a message whose conversation is missing"),
        ("check_receipt_channel", "a receipt whose channel is missing"),
        ("check_comment_conversation", "a comment whose conversation is missing"),
        ("check_run_version", "a run whose workflow version is missing"),
        ("check_run_conversation", "a run whose conversation is missing"),
        ("check_line_entry_conversation", "an entry of a line whose conversation is missing"),
        ("check_assignment_conversation", "an assignment whose conversation is missing"),
    ]

    /// Looks through everything a workspace has. What is found while others write is of no meaning unless it stays.
    public func violations(in workspace: UUID) async throws -> [InvariantViolation] {
        var found: [InvariantViolation] = []
        for check in Self.checks {
            guard let row = try await read(check.statement, [workspace]).first else { continue }
            let count: Int = try row.decode("count")
            if count > 0 { found.append(InvariantViolation(what: check.what, count: count)) }
        }
        return found
    }

    /// Looks for what belongs to no workspace, and so is found in none.
    public func violationsOutsideWorkspaces() async throws -> [InvariantViolation] {
        let count: Int = try await read("check_contact_workspace", []).first?.decode("count") ?? 0
        return count > 0 ? [InvariantViolation(what: "a contact whose workspace is missing", count: count)] : []
    }
}
