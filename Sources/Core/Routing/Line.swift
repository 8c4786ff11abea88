import Foundation

/// Why an agent could not take a conversation.
public enum LineSkipReason: String, Sendable, Hashable, CaseIterable {
    case offline
    case away
    /// Has as many open as the agent may have.
    case atLimit = "at_limit"
    /// Has as many open as the step allows.
    case stepLimit = "step_limit"
    /// This conversation is not to go to this agent.
    case excluded
}

/// An agent of a line with the facts that decide (S17, S18).
public struct LineCandidate: Sendable, Hashable {
    public let agentID: UUID
    public let name: String
    public let presence: Agent.Presence
    /// Everything assigned to the agent that is not closed.
    public internal(set) var openCount: Int
    /// The agent's own limit; nil means none.
    public let maxOpen: Int?
    /// When round robin last chose the agent in this line, as a rising number; 0 for never.
    public internal(set) var turn: Int64

    public init(
        agentID: UUID, name: String, presence: Agent.Presence, openCount: Int, maxOpen: Int?, turn: Int64
    ) {
        self.agentID = agentID
        self.name = name
        self.presence = presence
        self.openCount = openCount
        self.maxOpen = maxOpen
        self.turn = turn
    }

    /// Why the agent cannot take the conversation now; nil when the agent is eligible.
    public func skipReason(for entry: LineEntryFacts) -> LineSkipReason? {
        if let reason = LineSeat(self).skipReason(for: LineDemand(entry)) { return reason }
        return entry.excluded.contains(agentID) ? .excluded : nil
    }
}

/// A conversation that waits in a line, with what it asks of an agent.
public struct LineEntryFacts: Sendable, Hashable {
    public let id: UUID
    public let conversationID: UUID
    public let strategy: RoutingStrategy
    public let onlyOnline: Bool
    /// The step's limit; nil means none.
    public let maxOpen: Int?
    /// Agents who must not get it.
    public let excluded: Set<UUID>

    public init(
        id: UUID, conversationID: UUID, strategy: RoutingStrategy, onlyOnline: Bool, maxOpen: Int?,
        excluded: Set<UUID> = []
    ) {
        self.id = id
        self.conversationID = conversationID
        self.strategy = strategy
        self.onlyOnline = onlyOnline
        self.maxOpen = maxOpen
        self.excluded = excluded
    }
}

/// A conversation that an agent gets.
public struct LinePick: Sendable, Hashable {
    /// Index among the entries.
    public let entry: Int
    /// Index among the candidates.
    public let candidate: Int
    /// How many picks came before: the facts plus those picks explain this one (S20).
    public let position: Int
}

/// A conversation that nobody could take.
public struct LineWaiting: Sendable, Hashable {
    /// Index among the entries.
    public let entry: Int
    /// How many picks came before.
    public let position: Int
    /// How many agents were skipped for each reason; empty when the line has no agents.
    public let reasons: [LineSkipReason: Int]
}

/// What serving a line came to.
public struct LineService: Sendable {
    /// In line order.
    public let picks: [LinePick]
    /// In line order.
    public let waiting: [LineWaiting]
    /// The candidates after the picks, in the order they were given.
    public let candidates: [LineCandidate]
    /// The last turn given out.
    public let lastTurn: Int64
}

/// Serves a line: each entry in order goes to the eligible agent that its strategy chooses. Where the first cannot take
/// the free agent, the next who can is served (S15). Pure.
///
/// - Parameters:
///   - entries: in line order (priority, `queued_at`, id).
///   - candidates: the line's agents, each once, in any order.
///   - lastTurn: not below any candidate's turn; each choice by round robin takes the next number.
public func serve(_ entries: [LineEntryFacts], candidates: [LineCandidate], lastTurn: Int64) -> LineService {
    var seats = candidates.map(LineSeat.init)
    var lastTurn = lastTurn
    var picks: [LinePick] = []
    var waiting: [LineWaiting] = []
    var withRoom = seats.count { $0.hasRoom }
    // Why entries that ask the same wait, valid until the next pick changes somebody's count.
    var refusals: [LineDemand: [LineSkipReason: Int]] = [:]

    for (position, entry) in entries.enumerated() {
        let demand = LineDemand(entry)
        if entry.excluded.isEmpty, let reasons = refusals[demand] {
            waiting.append(LineWaiting(entry: position, position: picks.count, reasons: reasons))
            continue
        }
        var chosen: Int?
        if withRoom > 0 {
            for index in seats.indices where seats[index].skipReason(for: demand) == nil {
                if let best = chosen, !seats[index].isBefore(seats[best], by: entry.strategy) { continue }
                if !entry.excluded.isEmpty, entry.excluded.contains(candidates[index].agentID) { continue }
                chosen = index
            }
        }
        guard let chosen else {
            var reasons: [LineSkipReason: Int] = [:]
            for index in seats.indices {
                let isExcluded = entry.excluded.contains(candidates[index].agentID)
                let reason = seats[index].skipReason(for: demand) ?? (isExcluded ? .excluded : nil)
                if let reason { reasons[reason, default: 0] += 1 }
            }
            if entry.excluded.isEmpty { refusals[demand] = reasons }
            waiting.append(LineWaiting(entry: position, position: picks.count, reasons: reasons))
            continue
        }
        picks.append(LinePick(entry: position, candidate: chosen, position: picks.count))
        seats[chosen].openCount += 1
        if !seats[chosen].hasRoom { withRoom -= 1 }
        if entry.strategy == .roundRobin {
            lastTurn += 1
            seats[chosen].turn = lastTurn
        }
        refusals.removeAll(keepingCapacity: true)
    }
    var served = candidates
    for index in served.indices {
        served[index].openCount = seats[index].openCount
        served[index].turn = seats[index].turn
    }
    return LineService(picks: picks, waiting: waiting, candidates: served, lastTurn: lastTurn)
}

/// What an entry asks for apart from strategy and exclusions: who asks the same is refused for the same reasons.
private struct LineDemand: Hashable {
    let onlyOnline: Bool
    let maxOpen: Int

    init(_ entry: LineEntryFacts) {
        onlyOnline = entry.onlyOnline
        maxOpen = entry.maxOpen ?? .max
    }
}

/// A candidate as plain numbers: a line of hundreds before hundreds of agents compares these a hundred thousand times.
private struct LineSeat {
    let presence: Agent.Presence
    let maxOpen: Int
    var openCount: Int
    var turn: Int64
    /// The id in the order of its bytes, which is PostgreSQL's.
    let idHigh: UInt64
    let idLow: UInt64

    init(_ candidate: LineCandidate) {
        presence = candidate.presence
        maxOpen = candidate.maxOpen ?? .max
        openCount = candidate.openCount
        turn = candidate.turn
        let bytes = candidate.agentID.uuid
        idHigh = Self.number(bytes.0, bytes.1, bytes.2, bytes.3, bytes.4, bytes.5, bytes.6, bytes.7)
        idLow = Self.number(bytes.8, bytes.9, bytes.10, bytes.11, bytes.12, bytes.13, bytes.14, bytes.15)
    }

    var hasRoom: Bool { openCount < maxOpen }

    func skipReason(for demand: LineDemand) -> LineSkipReason? {
        if demand.onlyOnline {
            switch presence {
            case .online: break
            case .away: return .away
            case .offline: return .offline
            }
        }
        if openCount >= maxOpen { return .atLimit }
        return openCount >= demand.maxOpen ? .stepLimit : nil
    }

    func isBefore(_ other: LineSeat, by strategy: RoutingStrategy) -> Bool {
        if strategy == .leastOpen, openCount != other.openCount { return openCount < other.openCount }
        if turn != other.turn { return turn < other.turn }
        return (idHigh, idLow) < (other.idHigh, other.idLow)
    }

    private static func number(_ bytes: UInt8...) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}
