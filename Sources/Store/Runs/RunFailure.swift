import Core
import Foundation
import Postgres

extension StoreTransaction {
    /// Counts a failed write against a run and puts it off; the fifth time the run is over, with the reason. Its line entry
    /// stays (S13).
    /// - Parameter jitter: spreads the waiting, about 1.
    /// - Returns: the run; nil when it was taken by another worker meanwhile.
    public func noteFailure(ofRun run: UUID, reason: String, jitter: Double, in workspace: UUID) throws -> UUID? {
        changes.workspaceID = workspace
        guard let claimed = try query("runs_claim", [workspace, [run]]).first else { return nil }
        let conversation: UUID = try claimed.decode("conversation_id")
        let failures = try query("run_note_failure", [workspace, run]).first?.decode("failures", as: Int.self) ?? 0
        guard failures >= Self.maximumRunFailures else {
            try send("run_postpone", [workspace, run, 2 * exp2(Double(failures)) * jitter])
            return run
        }
        try send("run_fail", [workspace, run, "write_failed: \(reason)"])
        try send("changes_delete_mailboxes", [workspace, [run]])
        let locked = try lockConversations([conversation], in: workspace)
        if var row = locked.rows[conversation] {
            changes.events.append(
                row.record(
                    .runEnded, id: newID(), by: .system, at: locked.now,
                    data: ["run_id": .id(run), "status": "failed", "reason": "write_failed"]))
            changes.update(row)
        }
        return run
    }

    static let maximumRunFailures = 5
}
