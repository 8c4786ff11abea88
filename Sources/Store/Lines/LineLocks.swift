import Core
import Foundation
import Postgres

// The order of locks (S19), and why no two transactions wait for each other:
//
//   turn, signals, runs (skipping) → contacts by id → conversations by id → lines by id → agents by id → nothing that others wait for
//
// - A transaction takes its lines in one statement, ordered by id, and all agents that it may give to or take from in one
//   statement after it, ordered by id: the candidates of all its lines, and those whose count it changes. An agent in two
//   teams is therefore met in the same order whichever line he is met through. Nothing is locked earlier "because we are
//   there already": taking a conversation from its agent only notes the count, and `flush` locks whom nobody locked yet.
// - Who was served and goes on to ask for another line does so in the next transaction (`RunBatch.advance`): a second
//   round would wait for lines while it holds agents.
// - A line's turn takes its line first, since one batch of it is not known before; it passes over a line and over
//   conversations that others hold (`SKIP LOCKED`), so it waits for agents alone.
// - Calls of the API never wait for a line. What deletes a team or an agent locks its line exclusively, after
//   conversations and before agents; only entries wait for that, and they are written before agents are locked or by
//   who has taken the line.
//
// A line's row lock is what makes it served by one at a time. It ends with the transaction, so there is no owner to
// outlive, and those who wait for it stand in the queue of the lock: nobody of them has entered the line yet, and so
// nobody is overtaken.

/// A line under its row lock: nobody else serves it until this transaction ends.
struct LockedLine {
    let id: UUID
    let kind: LineKind
    let name: String?
    let lastTurn: Int64

    init(row: PostgresRow) throws {
        id = try row.decode("id")
        kind = LineKind(rawValue: try row.decode("kind")) ?? .workspace
        name = try row.decode("name")
        lastTurn = try row.decode("last_turn")
    }
}

extension PostgresError {
    /// Whether somebody kept a line for longer than a statement may wait for a lock.
    public var isWaitForLine: Bool { sqlState == .lockNotAvailable && statement == "lines_take" }
}

/// The agents of taken lines under their row locks, with the facts that decide.
struct LineAgents {
    private struct Member {
        let id: UUID
        let name: String
        let presence: Agent.Presence
        let openCount: Int
        let maxOpen: Int?
        let turn: Int64
    }

    /// In the order of their ids.
    private var agents: [Member] = []
    private var teamTurns: [UUID: [UUID: Int64]] = [:]
    /// Lines in which somebody stood when they had been locked: they may have been waited for, and meanwhile anybody can
    /// have entered who has an earlier place.
    let crowded: Set<UUID>
    /// When they had been locked.
    let now: Date

    init(agents: PostgresRows, members: PostgresRows, crowded: PostgresRows, clock: PostgresRow) throws {
        now = try clock.decode("now")
        self.crowded = Set(try crowded.decode("id", as: UUID.self))
        self.agents = try agents.map {
            Member(
                id: try $0.decode("id"), name: try $0.decode("name"),
                presence: Agent.Presence(rawValue: try $0.decode("presence")) ?? .offline,
                openCount: try $0.decode("open_count"), maxOpen: try $0.decode("max_open"),
                turn: try $0.decode("turn"))
        }
        for row in members {
            teamTurns[try row.decode("team_id"), default: [:]][try row.decode("agent_id")] = try row.decode("turn")
        }
    }

    /// Who may be given what waits in the line.
    /// - Parameter counted: by how much counts changed since they were read.
    func candidates(of line: LockedLine, counted: [UUID: Int]) -> [LineCandidate] {
        let turns = teamTurns[line.id] ?? [:]
        return agents.compactMap { agent in
            let turn: Int64? =
                switch line.kind {
                case .team: turns[agent.id]
                case .agent: agent.id == line.id ? agent.turn : nil
                case .workspace: agent.turn
                }
            return turn.map {
                LineCandidate(
                    agentID: agent.id, name: agent.name, presence: agent.presence,
                    openCount: agent.openCount + (counted[agent.id] ?? 0), maxOpen: agent.maxOpen, turn: $0)
            }
        }
    }
}

extension StoreTransaction {
    /// Locks every agent whom one of these lines may be given to, and those whose count this transaction changes.
    ///
    /// Memberships are read behind the lock: whoever ends one holds the agent's.
    func lockAgents(of lines: some Collection<LockedLine>, in workspace: UUID) throws -> LineAgents {
        let teams = lines.filter { $0.kind == .team }.map(\.id)
        let others = Set(changes.openCounts.keys).union(lines.filter { $0.kind == .agent }.map(\.id))
        let rows =
            lines.contains { $0.kind == .workspace }
            ? try send("lines_lock_agents_of_workspace", [workspace])
            : try send("lines_lock_agents", [workspace, teams, Array(others)])
        let members = try send("lines_members", [workspace, teams])
        let crowded = try send("lines_waiting", [workspace, lines.map(\.id)])
        guard let clock = try query("clock", [workspace]).first else { throw StoreError.notFound(what: "workspace") }
        let agents = try rows.rows()
        lockedAgents.formUnion(try agents.decode("id", as: UUID.self))
        return try LineAgents(agents: agents, members: try members.rows(), crowded: try crowded.rows(), clock: clock)
    }

    /// For who serves lines: the longest that it waits for a lock, and that the server waits for it with its locks held.
    ///
    /// A worker that is cut off or frozen keeps a line for no longer than its last word and five seconds.
    func boundLocks() throws {
        transaction.set(
            try LocalSettings(["lock_timeout": "2s", "idle_in_transaction_session_timeout": "5s"]))
    }
}
