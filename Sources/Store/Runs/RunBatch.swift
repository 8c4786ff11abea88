import Core
import Foundation
import Postgres

/// One worker's transaction: runs taken with due signals, advanced in memory until each waits or ends, and written back
/// together (S11). The row locks until the commit are the only lease, of lines too.
final class RunBatch {
    let tx: StoreTransaction
    let workspace: UUID
    /// Whether lines that others serve are waited for; otherwise who asks for them stands in them.
    let waitsForLines: Bool
    let versions: WorkflowVersions
    var runs: [ClaimedRun]
    var conversations: [UUID: Conversation] = [:]
    var contacts: [UUID: ContactRow] = [:]
    /// Conversations and contacts that something was done to.
    var touched: Set<UUID> = []
    var changedContacts: [UUID: Set<String>] = [:]
    var messages: [UUID: String] = [:]
    var channels: [UUID: RunChannel] = [:]
    var entries: [UUID: StandingEntry] = [:]
    var livingAgents: Set<UUID> = []
    var fieldKinds: [String: ContactFieldDefinition.Kind] = [:]
    var timeZone = "UTC"
    var now = Date.distantPast
    /// Entries that steps asked for and no line has seen yet, with the run each belongs to.
    var pending: [LineEntryRow] = []

    struct RunChannel {
        let name: String
        let kind: String
        let url: String?
    }

    /// An entry that stood in a line before this transaction.
    struct StandingEntry {
        let runID: UUID?
        let visit: Int?
        let queuedAt: Date
    }

    init(
        _ runs: [ClaimedRun], _ tx: StoreTransaction, _ versions: WorkflowVersions, waitsForLines: Bool,
        _ workspace: UUID
    ) {
        self.runs = runs
        self.tx = tx
        self.versions = versions
        self.waitsForLines = waitsForLines
        self.workspace = workspace
    }

    /// Everything that advancing may need, in two round trips: locks in the order contact → conversation (S19).
    func load() throws {
        let contactRows = try tx.send("contacts_lock", [workspace, Array(Set(runs.map(\.contactID)))])
        let conversationRows = try tx.send("conversations_lock", [workspace, Array(Set(runs.map(\.conversationID)))])
        let messageIDs = runs.compactMap(\.messageID).sorted()
        let messageRows = try tx.send("runs_messages", [workspace, messageIDs, messageIDs.first, messageIDs.last])
        let entryRows = try tx.send("runs_line_entries", [workspace, Array(Set(runs.map(\.conversationID)))])
        let clock = try tx.send("workspace_time_zone", [workspace])
        for row in try contactRows.rows() {
            let contact = try ContactRow(row: row)
            contacts[contact.id] = contact
        }
        conversations = try tx.conversations(from: conversationRows).rows
        for row in try messageRows.rows() { messages[try row.decode("id")] = try row.decode("text", as: String.self) }
        for row in try entryRows.rows() {
            entries[try row.decode("conversation_id")] = StandingEntry(
                runID: try row.decode("run_id"), visit: try row.decode("visit"), queuedAt: try row.decode("queued_at"))
        }
        if let row = try clock.rows().first {
            timeZone = try row.decode("time_zone")
            now = try row.decode("now")
        }
        let channelRows = try tx.send(
            "runs_channels", [workspace, Array(Set(conversations.values.compactMap(\.channelID)))])
        let agentRows = try tx.send(
            "runs_agents", [workspace, Array(Set(contacts.values.compactMap(\.lastAssigneeID)))])
        for row in try channelRows.rows() {
            channels[try row.decode("id")] = RunChannel(
                name: try row.decode("name"), kind: try row.decode("kind"), url: try row.decode("url"))
        }
        livingAgents = Set(try agentRows.rows().map { try $0.decode("id", as: UUID.self) })
    }

    /// Advances every run, serves the lines that they ask for, and advances who was served.
    func work() throws {
        for index in runs.indices { try start(index) }
        for index in runs.indices where runs[index].isLiving { try advance(index, runs[index].signals) }
        if !pending.isEmpty { try serveLines() }
        try write()
    }

    /// Judges a candidate: with the whole condition, and the facts as they are now (S9).
    private func start(_ index: Int) throws {
        guard runs[index].isCandidate else { return }
        let run = runs[index]
        // Told to end before it began: as if it had never been (S14).
        guard !run.signals.contains(where: { $0.kind == .stopped }) else {
            runs[index].status = "none"
            tx.changes.runsDeleted.append(run.id)
            return
        }
        guard let version = try version(of: run) else {
            // Nobody can say whether it matches: it is shown as a failed run instead of vanishing.
            runs[index].status = "active"
            runs[index].startedAt = now
            return
        }
        guard version.definition.trigger.matches(facts(of: run)), var conversation = conversations[run.conversationID]
        else {
            runs[index].status = "none"
            tx.changes.runsDeleted.append(run.id)
            return
        }
        runs[index].status = "active"
        runs[index].startedAt = now
        tx.changes.events.append(
            conversation.record(
                .runStarted, id: tx.newID(), by: caller(of: run, version), at: now,
                data: [
                    "run_id": .id(run.id), "workflow_id": .id(run.workflowID), "version": .integer(Int64(run.version)),
                ]))
        conversations[conversation.id] = conversation
        touched.insert(conversation.id)
    }

    /// - Parameter isServed: was just given an agent, so that lines and agents are locked.
    private func advance(_ index: Int, _ signals: [RunSignal], isServed: Bool = false) throws {
        let run = runs[index]
        guard let version = try version(of: run) else {
            runs[index].status = "failed"
            runs[index].reason = "definition_unreadable"
            try end(index, name: "failed", reason: "definition_unreadable", caller: .system)
            return
        }
        let transition = Core.advance(
            run.state, definition: version.definition, signals: signals, facts: facts(of: run), now: now)
        if isServed, transition.effects.contains(where: \.entersLine) {
            // Lines come before agents (S19): as if it had been served by another transaction.
            tx.changes.signals += signals.map {
                SignalRow(
                    runID: run.id, id: tx.newID(), kind: $0.kind.rawValue, visit: $0.visit, dueAt: now, data: $0.data)
            }
            tx.nudge(.runs(workspace: workspace))
            return
        }
        runs[index].state = transition.run
        let caller = caller(of: run, version)
        for effect in transition.effects { try apply(effect, of: run, caller) }
        for entry in transition.log {
            tx.changes.runLog.append(
                RunLogRow(
                    id: tx.newID(), runID: run.id, occurredAt: now, step: entry.step,
                    visit: entry.visit == 0 ? nil : entry.visit, kind: entry.kind.rawValue, port: entry.port,
                    data: entry.data.isNull ? .emptyObject : entry.data))
        }
        if transition.status.isEnd {
            runs[index].status = transition.status.name
            try end(index, name: transition.status.name, reason: transition.status.reason, caller: caller)
        }
    }

    private func end(_ index: Int, name: String, reason: String?, caller: Caller) throws {
        let run = runs[index]
        guard var conversation = conversations[run.conversationID] else { return }
        tx.changes.events.append(
            conversation.record(
                .runEnded, id: tx.newID(), by: caller, at: now,
                data: JSON(present: [
                    ("run_id", .id(run.id)), ("workflow_id", .id(run.workflowID)), ("status", .string(name)),
                    ("reason", reason.map { .string($0) }),
                ])))
        conversations[conversation.id] = conversation
        touched.insert(conversation.id)
    }

    /// Serves what was just asked for, where nobody stood in the line before; the rest waits in line.
    private func serveLines() throws {
        let asked = Dictionary(grouping: pending, by: \.lineID)
        pending = []
        // Batches of a workspace wait for each other's lines: what does not depend on them is written before.
        noteContacts()
        try tx.flushBeforeLines(workspace)
        // Who asks may have stood in one of these lines.
        try tx.flushEntries(workspace)
        try tx.boundLocks()
        let taken = try tx.send(waitsForLines ? "lines_take" : "lines_take_free", [workspace, Array(asked.keys)])
        let crowded = try tx.send("lines_waiting", [workspace, Array(asked.keys)])
        let clock = try tx.send("clock", [workspace])
        let named = try tx.send(
            "teams_named", [workspace, asked.values.compactMap { $0[0].lineKind == .team ? $0[0].lineID : nil }])
        var lines: [UUID: LockedLine] = [:]
        for row in try taken.rows() {
            let line = try LockedLine(row: row)
            lines[line.id] = line
        }
        let othersWait = Set(try crowded.rows().map { try $0.decode("id", as: UUID.self) })
        var names: [UUID: String] = [:]
        for row in try named.rows() { names[try row.decode("id")] = try row.decode("name", as: String.self) }
        // Nobody enters before the line was there to be entered.
        if let row = try clock.rows().first { now = try row.decode("now") }
        let empty = lines.values.filter { !othersWait.contains($0.id) }
        let agents = empty.isEmpty ? nil : try tx.lockAgents(of: empty, in: workspace)
        var woken: [(run: UUID, signal: RunSignal)] = []
        for id in asked.keys.sorted(by: { $0.lowercased < $1.lowercased }) {
            var entries = (asked[id] ?? []).sorted {
                ($0.priority.rank, $0.queuedAt, $0.id.lowercased) < ($1.priority.rank, $1.queuedAt, $1.id.lowercased)
            }
            for index in entries.indices { entries[index].enteredAt = now }
            var waiting = entries
            var decision: UUID?
            if let line = lines[id], let agents, !othersWait.contains(id), !agents.crowded.contains(id) {
                let (served, reached) = tx.serve(
                    line, agents, entries, conversations: &conversations, keepsEmpty: true)
                decision = reached
                let happy = Set(served.map(\.entry.id))
                waiting.removeAll { happy.contains($0.id) }
                for one in served {
                    touched.insert(one.entry.conversationID)
                    guard let run = one.entry.runID else { continue }
                    woken.append(
                        (
                            run,
                            RunSignal(
                                .assigned, visit: one.entry.visit,
                                data: ["agent_id": .id(one.agent.id), "source": "workflow"])
                        ))
                }
            } else {
                tx.changes.marks.insert(id)
            }
            for entry in waiting { wait(entry, lineName: names[id], decision: decision) }
        }
        for (run, signal) in woken {
            guard let index = runs.firstIndex(where: { $0.id == run }) else { continue }
            try advance(index, [signal], isServed: true)
        }
    }

    private func wait(_ entry: LineEntryRow, lineName: String?, decision: UUID?) {
        guard var conversation = conversations[entry.conversationID] else { return }
        if entry.lineKind == .team {
            tx.recordTeam(
                of: &conversation, to: Conversation.Named(id: entry.lineID, name: lineName), by: entry.caller, at: now,
                run: entry.runID)
        }
        tx.enter(entry, conversation: &conversation, lineName: lineName, at: now, decision: decision)
        entries[conversation.id] = StandingEntry(runID: entry.runID, visit: entry.visit, queuedAt: entry.queuedAt)
        conversations[conversation.id] = conversation
        touched.insert(conversation.id)
    }

    private func noteContacts() {
        for (id, names) in changedContacts {
            guard let contact = contacts[id] else { continue }
            tx.changes.contactsUpdated[id] = contact
            tx.changes.events.append(
                Event(
                    id: tx.newID(), type: .contactUpdated, conversationID: nil, sequence: nil, occurredAt: now,
                    source: .workflow, actor: Actor(kind: "workflow"),
                    data: ["contact_id": .id(id), "fields": .array(names.sorted().map { .string($0) })]))
        }
        changedContacts = [:]
    }

    /// Hands everything to the set-based writer.
    private func write() throws {
        noteContacts()
        for id in touched {
            if let conversation = conversations[id] { tx.changes.update(conversation) }
        }
        var over: [UUID] = []
        for run in runs where run.status != "none" {
            let isOver = !run.isLiving
            if isOver { over.append(run.id) }
            tx.changes.runsUpdated.append(
                RunRow(
                    id: run.id, status: run.status, reason: run.reason ?? run.state.status.reason,
                    step: run.state.step,
                    state: run.state.json, startedAt: run.startedAt, endedAt: isOver ? now : nil))
        }
        over += tx.changes.runsDeleted
        if !over.isEmpty { try tx.send("changes_delete_mailboxes", [workspace, over]) }
        let settled = Set(over)
        tx.changes.signals.removeAll { settled.contains($0.runID) }
    }

    func version(of run: ClaimedRun) throws -> WorkflowVersions.Version? {
        try tx.version(
            WorkflowVersions.Key(workspace: workspace, workflow: run.workflowID, version: run.version), versions)
    }

    func caller(of run: ClaimedRun, _ version: WorkflowVersions.Version) -> Caller {
        Caller(source: .workflow, actor: Actor(kind: "workflow", id: run.workflowID, name: version.name))
    }
}

extension StoreTransaction {
    /// The most batches of one workspace's runs at a time: so many turns a workspace has from its beginning.
    static let runTurns = 64

    /// Takes due runs of one workspace, advances them and writes them back, all in this transaction. Takes none while as many
    /// batches of the workspace are under way, over all workers, as `turns` says (S12).
    /// - Parameters:
    ///   - turns: from 1 to 64; more is 64.
    ///   - waitsForLines: false when somebody has kept a line for so long that it is better to stand in it.
    ///   - claimed: told the runs that were taken, before anything is done with them, and whether there may be more.
    public func workRuns(
        limit: Int, turns: Int, versions: WorkflowVersions, waitsForLines: Bool = true, in workspace: UUID,
        claimed: (_ runs: [UUID], _ isFull: Bool) -> Void = { _, _ in }
    ) throws -> RunBatchOutcome {
        changes.workspaceID = workspace
        let began = ContinuousClock.now
        let (runs, isFull) = try claimRuns(limit: limit, turns: min(turns, Self.runTurns), in: workspace)
        let took = ContinuousClock.now - began
        claimed(runs.map(\.id), isFull)
        guard !runs.isEmpty else { return RunBatchOutcome(advanced: 0, isFull: isFull) }
        let batch = RunBatch(runs, self, versions, waitsForLines: waitsForLines, workspace)
        try batch.load()
        try batch.work()
        return RunBatchOutcome(
            advanced: runs.count,
            started: zip(runs, batch.runs).count { $0.isCandidate && $1.status != "none" },
            ended: batch.runs.filter { !$0.isLiving && $0.status != "none" }
                .reduce(into: [:]) { $0[$1.status, default: 0] += 1 },
            claimed: took, isFull: isFull)
    }
}
