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
}
