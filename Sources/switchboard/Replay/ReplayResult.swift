import Core
import Foundation

/// What a replay found, and how it is printed.
struct ReplayResult: Sendable {
    let plan: ReplayPlan
    let tally: ReplayTally
    /// Those that the replay opened, as they were seen last, by id.
    let conversations: [String: JSON]
    let unsettled: Int
    let sending: Duration
    let settling: Duration
    /// Why the service could not be asked about all of it afterwards.
    let trouble: String?
    let runs: [String: Int]
    let teams: [String: String]
    let agents: [String: String]

    /// Everything was accepted, and every conversation found its place.
    var isComplete: Bool { notSent == 0 && tally.failed == 0 && unsettled == 0 && trouble == nil }

    private var notSent: Int { plan.messages.count - tally.sent }
    private var assigned: [JSON] { conversations.values.filter { $0["assignee_id"]?.string != nil } }
    private var inLine: Int {
        conversations.values.count { $0["assignee_id"]?.string == nil && $0["waiting"]?.bool == true }
    }

    /// Seconds from the opening to the assignment, both by the server's clock.
    var assigning: Distribution {
        Distribution(
            assigned.compactMap { conversation in
                guard let opened = Self.instant(conversation, "opened_at"),
                    let assigned = Self.instant(conversation, "assigned_at")
                else { return nil }
                return assigned.timeIntervalSince(opened)
            })
    }

    /// Seconds from sending, by our clock, to the assignment, by the server's.
    private var assigningFromSending: Distribution {
        Distribution(
            assigned.compactMap { conversation in
                guard let id = conversation["id"]?.string, let opened = tally.opened[id],
                    let assigned = Self.instant(conversation, "assigned_at")
                else { return nil }
                return max(0, assigned.timeIntervalSince(opened.sentAt))
            })
    }

    private static func instant(_ json: JSON, _ key: String) -> Date? {
        json[key]?.string.flatMap { Timestamp.parse($0) }
    }

    /// The report for standard output.
    var text: String {
        let seconds = sending.seconds
        let perSecond = seconds > 0 ? Int((Double(tally.sent) / seconds).rounded()) : tally.sent
        var lines = [
            row("sent", "\(tally.sent) messages of \(plan.contacts) contacts in \(Distribution.text(seconds))"),
            row("messages/s", "\(perSecond)"),
            row("accepted", "\(tally.accepted)"),
            row("duplicates", "\(tally.duplicates)"),
            row("errors", "\(tally.failed)"),
        ]
        for (kind, count) in tally.errors.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
            lines.append(row("", "\(count) × \(kind) (first in row \(tally.firstRow[kind] ?? 0))"))
        }
        if notSent > 0 { lines.append(row("not sent", "\(notSent), since nobody answered any more")) }
        if tally.repeats > 0 { lines.append(row("repeated calls", "\(tally.repeats)")) }
        lines.append(row("answered", Distribution(tally.answering).summary))
        lines.append(row("opened", "\(tally.opened.count) conversations"))
        lines.append(row("runs", counted(runs)))
        lines.append(row("assigned", "\(assigned.count)"))
        lines.append(row("  by team", counted(by("team_id", teams))))
        lines.append(row("  by agent", counted(by("assignee_id", agents))))
        lines.append(row("in line", "\(inLine)"))
        if let trouble { lines.append(row("not all was seen", trouble)) }
        if unsettled > 0 {
            lines.append(row("neither", "\(unsettled), after waiting \(Distribution.text(settling.seconds))"))
        }
        lines.append(row("accepted to assigned", "\(assigning.summary)  (opened_at to assigned_at, server's clock)"))
        lines.append(row("sent to assigned", "\(assigningFromSending.summary)  (our clock to the server's)"))
        return lines.joined(separator: "\n")
    }

    private func by(_ key: String, _ names: [String: String]) -> [String: Int] {
        var counts: [String: Int] = [:]
        for conversation in assigned {
            let id = conversation[key]?.string
            counts[id.map { names[$0] ?? $0 } ?? "none", default: 0] += 1
        }
        return counts
    }

    private func counted(_ counts: [String: Int]) -> String {
        guard !counts.isEmpty else { return "none" }
        return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \($0.value)" }
            .joined(separator: ", ")
    }

    private func row(_ name: String, _ value: String) -> String {
        name.padding(toLength: 22, withPad: " ", startingAt: 0) + value
    }
}

extension Duration {
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
