import Core
import Foundation
import Postgres

/// A run with what its mailbox held, under its row lock.
struct ClaimedRun {
    let id: UUID
    let workflowID: UUID
    let version: Int
    let contactID: UUID
    let conversationID: UUID
    var status: String
    /// Why it failed, where that is not the state's to know.
    var reason: String?
    let messageID: UUID?
    let openedAt: Date?
    let trace: TraceContext?
    var startedAt: Date?
    var state: RunState
    var signals: [RunSignal] = []

    init(row: PostgresRow) throws {
        id = try row.decode("id")
        workflowID = try row.decode("workflow_id")
        version = try row.decode("workflow_version")
        contactID = try row.decode("contact_id")
        conversationID = try row.decode("conversation_id")
        status = try row.decode("status")
        messageID = try row.decode("trigger_message_id")
        openedAt = try row.decode("opened_at")
        trace = try row.decode("trace", as: String?.self).flatMap(TraceContext.init(text:))
        startedAt = try row.decode("started_at")
        state = RunState(json: try row.decodeJSON("state")) ?? RunState()
    }

    var isCandidate: Bool { status == "candidate" }
    var isLiving: Bool { status == "candidate" || status == "active" }
}

/// What a worker's transaction came to.
public struct RunBatchOutcome: Sendable {
    /// Runs advanced.
    public var advanced = 0
    /// Runs that began, and those that ended, by their status.
    public var started = 0
    public var ended: [String: Int] = [:]
    /// Until the runs were ours.
    public var claimed = Duration.zero
    /// Whether there may be more due at once.
    public var isFull = false
}

extension StoreTransaction {
    /// Takes the due signals of up to `limit` mailbox rows and the runs they belong to, skipping what another worker has.
    func claimRuns(limit: Int, turns: Int, in workspace: UUID) throws -> (runs: [ClaimedRun], isFull: Bool) {
        var mailbox: [UUID: [RunSignal]] = [:]
        var keys: [UUID: [SignalKey]] = [:]
        let rows = try query("runs_claim_signals", [workspace, limit, turns])
        for row in rows {
            let run: UUID = try row.decode("run_id")
            keys[run, default: []].append(SignalKey(runID: run, id: try row.decode("id")))
            guard let kind = RunSignal.Kind(rawValue: try row.decode("kind")) else { continue }
            mailbox[run, default: []].append(
                RunSignal(kind, visit: try row.decode("visit"), data: try row.decodeJSON("data")))
        }
        guard !keys.isEmpty else { return ([], false) }
        var runs: [ClaimedRun] = []
        for row in try query("runs_claim", [workspace, Array(keys.keys)]) {
            var run = try ClaimedRun(row: row)
            run.signals = mailbox[run.id] ?? []
            changes.signalsTaken += keys[run.id] ?? []
            keys[run.id] = nil
            if run.isLiving { runs.append(run) }
        }
        if !keys.isEmpty {
            // Held by another worker, or gone: what is gone must not stand at the head of the queue for ever.
            let existing = Set(
                try query("runs_existing", [workspace, Array(keys.keys)]).map { try $0.decode("id", as: UUID.self) })
            for (run, orphans) in keys where !existing.contains(run) { changes.signalsTaken += orphans }
        }
        return (runs, rows.count >= limit)
    }
}
