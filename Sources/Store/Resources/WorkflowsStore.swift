import Core
import Foundation
import Postgres

/// A workflow as it was saved last, and what is live of it (S26).
public struct WorkflowRecord: Sendable, Hashable {
    public enum Status: String, Sendable, CaseIterable {
        case draft, published, stopped
    }

    public var id: UUID
    public var name: String
    public var description: String?
    /// `format`, `trigger`, `start`, `steps`.
    public var definition: JSON
    public var status: Status
    /// The number of the version that is or was live; nil before the first publishing.
    public var liveVersion: Int?
    /// Whether what was saved last differs from that version.
    public var changed: Bool
    public var createdAt: Date
    public var updatedAt: Date

    init(row: PostgresRow) throws {
        id = try row.decode("id")
        name = try row.decode("name")
        description = try row.decode("description")
        definition = try row.decodeDefinition()
        status = Status(rawValue: try row.decode("status")) ?? .draft
        liveVersion = try row.decode("live_version")
        changed = try row.decode("changed")
        createdAt = try row.decode("created_at")
        updatedAt = try row.decode("updated_at")
    }
}

/// What was published once; never changes.
public struct WorkflowVersionRecord: Sendable, Hashable {
    public var version: Int
    public var definition: JSON
    public var publishedAt: Date

    init(row: PostgresRow) throws {
        version = try row.decode("version")
        definition = try row.decodeDefinition()
        publishedAt = try row.decode("published_at")
    }
}

extension PostgresRow {
    /// A definition in the order in which it is written; the database keeps its members in an order of its own.
    fileprivate func decodeDefinition() throws -> JSON {
        let stored = try decodeJSON("definition")
        return (try? WorkflowDefinition.parse(stored))?.json ?? stored
    }
}

extension Store {
    /// Workflows in the order of their making.
    public func workflows(status: WorkflowRecord.Status? = nil, after id: UUID?, limit: Int, in workspace: UUID)
        async throws -> [WorkflowRecord]
    {
        try await read("workflow_list", [workspace, status?.rawValue, id, limit]).map(WorkflowRecord.init(row:))
    }

    /// - Throws: `StoreError.notFound`.
    public func workflow(_ id: UUID, in workspace: UUID) async throws -> WorkflowRecord {
        try await one("workflow_get", [workspace, id], what: "workflow", WorkflowRecord.init(row:))
    }

    /// A workflow's versions, newest first.
    /// - Parameter before: the last number of the page before.
    public func versions(ofWorkflow id: UUID, before: Int?, limit: Int, in workspace: UUID) async throws
        -> [WorkflowVersionRecord]
    {
        _ = try await workflow(id, in: workspace)
        return try await read("workflow_version_list", [workspace, id, before, limit])
            .map(WorkflowVersionRecord.init(row:))
    }

    /// - Throws: `StoreError.notFound`.
    public func version(_ number: Int, ofWorkflow id: UUID, in workspace: UUID) async throws -> WorkflowVersionRecord {
        _ = try await workflow(id, in: workspace)
        return try await one(
            "workflow_version_get", [workspace, id, number], what: "version", WorkflowVersionRecord.init(row:))
    }

    /// Tells every living run and candidate of a stopped workflow to end. In batches, each its own transaction: there may
    /// be any number of them. Repeating it is harmless.
    /// - Returns: how many were told.
    @discardableResult
    public func endRuns(ofWorkflow id: UUID, in workspace: UUID) async throws -> Int {
        var told = 0
        // Candidates first: one that becomes a run meanwhile is met again among the runs.
        var position: SignalKey? = SignalKey(runID: .lowest, id: .lowest)
        while let after = position {
            let (count, next) = try await write { try $0.endCandidates(ofWorkflow: id, after: after, in: workspace) }
            told += count
            position = next
        }
        var last: UUID? = .lowest
        while let after = last {
            let (count, next) = try await write { try $0.endActiveRuns(ofWorkflow: id, after: after, in: workspace) }
            told += count
            last = next
        }
        return told
    }
}

extension StoreTransaction {
    /// Saves a new workflow as a draft.
    /// - Throws: `.invalid` for teams, agents, channels and categories that are not there; `.nameTaken`.
    public func createWorkflow(_ document: WorkflowDocument, in workspace: UUID) throws -> WorkflowRecord {
        try lockReferences(of: document.definition, in: workspace)
        let id = newID()
        try refusingWorkflowName {
            _ = try query(
                "workflow_create",
                [workspace, id, document.name, document.description, document.definition.json.text])
        }
        return try savedWorkflow(id, in: workspace)
    }

    /// Saves a workflow as a merge-patch changes it; what is live stays as it is until the next publishing.
    /// - Throws: `.notFound`; `.invalid` with everything that is wrong with the whole; `.nameTaken`.
    public func patchWorkflow(
        _ id: UUID, _ patch: JSON, if precondition: Precondition<WorkflowRecord>? = nil, in workspace: UUID
    ) throws -> WorkflowRecord {
        let row = try one("workflow_lock", [workspace, id], what: "workflow")
        try demand(precondition, in: workspace, savedWorkflow(id, in: workspace))
        let document = try WorkflowDocument(
            name: row.decode("name"), description: row.decode("description"), definition: row.decodeJSON("definition"),
            patch: patch)
        try lockReferences(of: document.definition, in: workspace)
        try refusingWorkflowName {
            _ = try query(
                "workflow_save",
                [workspace, id, document.name, document.description, document.definition.json.text])
        }
        return try savedWorkflow(id, in: workspace)
    }

    /// Makes what was saved last live: messages from now on start it. What is live already stays, with its number.
    /// - Throws: `.notFound`; `.invalid` when a team, agent, channel or category has gone since saving.
    public func publishWorkflow(_ id: UUID, in workspace: UUID) throws -> WorkflowRecord {
        let row = try one("workflow_lock", [workspace, id], what: "workflow")
        let definition = try Self.definition(of: row)
        let references = try lockReferences(of: definition, in: workspace)
        let isChanged: Bool = try row.decode("changed")
        let live: Int? = try row.decode("live_version")
        let version: Int
        if let live, !isChanged {
            // Stopped and unchanged goes live again under its old number.
            if try row.decode("status", as: String.self) == WorkflowRecord.Status.published.rawValue {
                return try savedWorkflow(id, in: workspace)
            }
            version = live
        } else {
            version = try row.decode("last_version", as: Int.self) + 1
            try send("workflow_version_create", [workspace, id, version, definition.json.text])
        }
        try send("workflow_trigger_delete", [workspace, id])
        try send("workflow_references_delete", [workspace, id])
        try send("workflow_set_live", [workspace, id, version])
        try send(
            "workflow_trigger_create",
            [
                workspace, definition.trigger.kind.rawValue, id, version,
                definition.trigger.possibleSources.map { $0.map(\.rawValue) },
                definition.trigger.possibleChannels(among: references.channels),
            ])
        let targets =
            references.teams.map { ("team", $0) } + references.agents.map { ("agent", $0) }
            + references.channels.map { ("channel", $0) }
        if !targets.isEmpty {
            try send("workflow_references_create", [workspace, id, targets.map(\.0), targets.map(\.1)])
        }
        return try savedWorkflow(id, in: workspace)
    }

    /// From now on nothing starts; runs go on (`Store.endRuns` ends them). Stopping twice is stopping once.
    /// - Throws: `.notFound`; `.workflowNotPublished` for a draft.
    public func stopWorkflow(_ id: UUID, in workspace: UUID) throws -> WorkflowRecord {
        let row = try one("workflow_lock", [workspace, id], what: "workflow")
        switch WorkflowRecord.Status(rawValue: try row.decode("status")) ?? .draft {
        case .draft:
            throw StoreError.conflict(.workflowNotPublished, detail: "The workflow was never published.")
        case .stopped: break
        case .published:
            try send("workflow_trigger_delete", [workspace, id])
            try send("workflow_references_delete", [workspace, id])
            try send("workflow_set_stopped", [workspace, id])
        }
        return try savedWorkflow(id, in: workspace)
    }

    /// Soft-deletes a workflow that is not live; its runs and versions stay.
    /// - Throws: `.notFound`; `.workflowPublished`.
    public func deleteWorkflow(
        _ id: UUID, if precondition: Precondition<WorkflowRecord>? = nil, in workspace: UUID
    ) throws {
        let row = try one("workflow_lock", [workspace, id], what: "workflow")
        try demand(precondition, in: workspace, savedWorkflow(id, in: workspace))
        if try row.decode("status", as: String.self) == WorkflowRecord.Status.published.rawValue {
            throw StoreError.conflict(.workflowPublished, detail: "The workflow is published; stop it first.")
        }
        try send("workflow_delete", [workspace, id])
    }

    private func savedWorkflow(_ id: UUID, in workspace: UUID) throws -> WorkflowRecord {
        try WorkflowRecord(row: one("workflow_get", [workspace, id], what: "workflow"))
    }

    private static func definition(of row: PostgresRow) throws -> WorkflowDefinition {
        let stored = try row.decodeJSON("definition")
        do throws(InvalidWorkflow) {
            return try WorkflowDefinition.parse(stored)
        } catch {
            throw StoreError.invalid(error.errors)
        }
    }

    private func refusingWorkflowName<Result>(_ body: () throws -> Result) throws -> Result {
        try refusing("workflows_name_key", as: .nameTaken, "Another workflow has this name.", body)
    }
}

extension StoreTransaction {
    private struct References {
        var teams: [UUID] = []
        var agents: [UUID] = []
        var channels: [UUID] = []
    }

    /// Checks that everything the definition names exists, and keeps it from being deleted until this transaction ends.
    /// - Throws: `.invalid` with an error for every place that names something that is not there.
    @discardableResult
    private func lockReferences(of definition: WorkflowDefinition, in workspace: UUID) throws -> References {
        var teams: Set<UUID> = []
        var agents: Set<UUID> = []
        var channels: Set<UUID> = []
        var categories: Set<String> = []
        for reference in definition.references {
            switch reference.target {
            case .team(let id): teams.insert(id)
            case .agent(let id): agents.insert(id)
            case .channel(let id): channels.insert(id)
            case .closingCategory(let name): categories.insert(name.lowercased())
            }
        }
        let livingTeams = try living("workflow_teams_living", teams, in: workspace)
        let livingAgents = try living("workflow_agents_living", agents, in: workspace)
        let livingChannels = try living("workflow_channels_living", channels, in: workspace)
        let livingCategories =
            categories.isEmpty
            ? []
            : Set(
                try query("workflow_categories_living", [workspace, Array(categories)]).decode("name", as: String.self))
        let errors = definition.references.filter { reference in
            switch reference.target {
            case .team(let id): !livingTeams.contains(id)
            case .agent(let id): !livingAgents.contains(id)
            case .channel(let id): !livingChannels.contains(id)
            case .closingCategory(let name): !livingCategories.contains(name.lowercased())
            }
        }.map(\.missing)
        guard errors.isEmpty else { throw StoreError.invalid(errors) }
        return References(
            teams: Array(livingTeams), agents: Array(livingAgents), channels: Array(livingChannels))
    }

    private func living(_ statement: String, _ ids: Set<UUID>, in workspace: UUID) throws -> Set<UUID> {
        ids.isEmpty ? [] : Set(try query(statement, [workspace, Array(ids)]).decode("id", as: UUID.self))
    }

    /// Runs told to end in one transaction: small enough to hold no lock for long.
    private static let batch = 1_000

    fileprivate func endActiveRuns(
        ofWorkflow id: UUID, after: UUID, in workspace: UUID
    ) throws -> (told: Int, next: UUID?) {
        let rows = try query("workflow_active_runs", [workspace, id, after, Self.batch])
        let runs = try rows.decode("id", as: UUID.self)
        try tellToEnd(runs, at: rows.first?.decode("now"), in: workspace)
        return (runs.count, runs.count == Self.batch ? runs.last : nil)
    }

    fileprivate func endCandidates(
        ofWorkflow id: UUID, after: SignalKey, in workspace: UUID
    ) throws -> (told: Int, next: SignalKey?) {
        let rows = try query("workflow_candidate_runs", [workspace, id, after.runID, after.id, Self.batch])
        let runs = try rows.filter { try $0.decode("found") }.map { try $0.decode("run_id", as: UUID.self) }
        try tellToEnd(runs, at: rows.first?.decode("now"), in: workspace)
        guard rows.count == Self.batch, let last = rows.last else { return (runs.count, nil) }
        return (runs.count, SignalKey(runID: try last.decode("run_id"), id: try last.decode("id")))
    }

    private func tellToEnd(_ runs: [UUID], at now: Date?, in workspace: UUID) throws {
        guard !runs.isEmpty, let now else { return }
        changes.workspaceID = workspace
        changes.signals += runs.map {
            SignalRow(runID: $0, id: newID(), kind: "stopped", visit: nil, dueAt: now, data: [:])
        }
        nudge(.runs(workspace: workspace))
    }
}
