import Core
import Foundation
import Postgres

extension StoreTransaction {
    /// Runs, their mailboxes and their log.
    func flushRuns(_ workspace: UUID) throws {
        let candidates = changes.runsInserted
        if !candidates.isEmpty {
            try send(
                "changes_insert_candidates",
                [
                    workspace, candidates.map(\.id), candidates.map(\.workflowID), candidates.map(\.version),
                    candidates.map(\.contactID), candidates.map(\.conversationID), candidates.map(\.messageID),
                    candidates.map(\.openedAt), candidates.map { $0.trace?.text },
                ])
            changes.runsInserted = []
        }
        try flushSignalsTaken(workspace)
        let updated = changes.runsUpdated
        if !updated.isEmpty {
            try send(
                "changes_update_runs",
                [
                    workspace, updated.map(\.id), updated.map(\.status), updated.map(\.reason), updated.map(\.step),
                    updated.map { $0.state.text }, updated.map(\.startedAt), updated.map(\.endedAt),
                ])
            changes.runsUpdated = []
        }
        if !changes.runsDeleted.isEmpty {
            try send("changes_delete_candidates", [workspace, changes.runsDeleted])
            changes.runsDeleted = []
        }
        let signals = changes.signals
        if !signals.isEmpty {
            try send(
                "changes_insert_signals",
                [
                    workspace, signals.map(\.runID), signals.map(\.id), signals.map(\.kind), signals.map(\.visit),
                    signals.map(\.dueAt), signals.map { $0.data.text },
                ])
            changes.signals = []
        }
        try flushRunLog(workspace)
    }

    func flushSignalsTaken(_ workspace: UUID) throws {
        let taken = changes.signalsTaken
        if !taken.isEmpty {
            try send("changes_delete_signals", [workspace, taken.map(\.runID), taken.map(\.id)])
            changes.signalsTaken = []
        }
    }

    func flushRunLog(_ workspace: UUID) throws {
        let log = changes.runLog
        if !log.isEmpty {
            try send(
                "changes_insert_run_log",
                [
                    workspace, log.map(\.id), log.map(\.runID), log.map(\.occurredAt), log.map(\.step),
                    log.map(\.visit), log.map(\.kind), log.map(\.port), log.map { $0.data.text },
                ])
            changes.runLog = []
        }
    }

    /// Effects; each key once for ever (invariant 9).
    func flushOutbox(_ workspace: UUID) throws {
        let rows = changes.outbox
        guard !rows.isEmpty else { return }
        try send(
            "changes_insert_outbox",
            [
                workspace, rows.map(\.id), rows.map(\.key), rows.map(\.kind), rows.map(\.channelID),
                rows.map(\.conversationID), rows.map(\.messageID), rows.map(\.runID), rows.map { $0.body.text },
                rows.map(\.createdAt), rows.map { $0.trace?.text },
            ])
        changes.outbox = []
    }
}
