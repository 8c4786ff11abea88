import Core
import Foundation
import Testing

private func agent(
    _ number: Int, open: Int = 0, limit: Int? = nil, turn: Int64 = 0, presence: Agent.Presence = .online
) -> LineCandidate {
    LineCandidate(
        agentID: id(number), name: "Agent \(number)", presence: presence, openCount: open, maxOpen: limit, turn: turn)
}

private func entry(
    _ number: Int, _ strategy: RoutingStrategy = .roundRobin, onlyOnline: Bool = true, limit: Int? = nil,
    excluded: Set<UUID> = []
) -> LineEntryFacts {
    LineEntryFacts(
        id: id(1000 + number), conversationID: id(5000 + number), strategy: strategy, onlyOnline: onlyOnline,
        maxOpen: limit,
        excluded: excluded)
}

@Suite struct LineTests {
    @Test func choosesByStrategy() {
        let agents = [agent(3, open: 1, turn: 2), agent(1, open: 1, turn: 2), agent(2, open: 5, turn: 1)]
        #expect(serve([entry(1)], candidates: agents, lastTurn: 2).picks.map(\.candidate) == [2])
        #expect(
            serve([entry(1, .leastOpen)], candidates: agents, lastTurn: 2).picks.map(\.candidate) == [1],
            "ties by turn, then id")
        let service = serve([entry(1), entry(2, .leastOpen)], candidates: agents, lastTurn: 2)
        #expect(service.lastTurn == 3, "least open takes no turn")
        #expect(service.candidates[2].turn == 3)
        #expect(service.candidates[1].turn == 2)
    }

    @Test func saysWhyAgentsAreSkipped() {
        let agents = [
            agent(1, presence: .offline), agent(2, presence: .away), agent(3, open: 5, limit: 5),
            agent(4, open: 4, limit: 5), agent(5),
        ]
        let service = serve([entry(1, limit: 3, excluded: [id(5)])], candidates: agents, lastTurn: 0)
        #expect(service.waiting.map(\.reasons) == [[.offline: 1, .away: 1, .atLimit: 1, .stepLimit: 1, .excluded: 1]])
        #expect(service.picks.isEmpty)
        #expect(serve([entry(1, onlyOnline: false)], candidates: agents, lastTurn: 0).picks.map(\.candidate) == [0])
        #expect(serve([entry(1)], candidates: [], lastTurn: 0).waiting.map(\.reasons) == [[:]])
        #expect(agents[2].skipReason(for: entry(1)) == .atLimit)
    }

    @Test func servesTheNextWhoCanBeServed() {
        let agents = [agent(1, open: 3, limit: 4)]
        let service = serve(
            [entry(1, limit: 2), entry(2, excluded: [id(1)]), entry(3), entry(4)], candidates: agents, lastTurn: 0)
        #expect(service.picks.map { [$0.entry, $0.candidate, $0.position] } == [[2, 0, 0]])
        #expect(service.waiting.map(\.entry) == [0, 1, 3])
        #expect(service.waiting.map(\.position) == [0, 0, 1])
        #expect(service.waiting[2].reasons == [.atLimit: 1])
    }

    /// 2,000 conversations for limits of 100, 100, 100, 50 and 150, in batches: never above a limit, and after every
    /// pick the counts of those below their limit differ by at most one.
    @Test(arguments: [RoutingStrategy.roundRobin, .leastOpen], [1, 2, 3] as [UInt64])
    func spreadsEvenly(strategy: RoutingStrategy, seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let limits = [100, 100, 100, 50, 150]
        var agents = limits.enumerated().map { agent($0 + 1, limit: $1) }
        var counts = [0, 0, 0, 0, 0]
        var lastTurn: Int64 = 0
        var waiting = Array(0..<2_000)
        var served: [Int] = []
        while !waiting.isEmpty {
            let batch = Array(waiting.prefix(random.int(1...300)))
            agents.shuffle(using: &random)
            let service = serve(batch.map { entry($0, strategy) }, candidates: agents, lastTurn: lastTurn)
            for pick in service.picks {
                let number = Int(agents[pick.candidate].name.split(separator: " ")[1]) ?? 0
                counts[number - 1] += 1
                served.append(batch[pick.entry])
                let free = zip(counts, limits).filter { $0.0 < $0.1 }.map(\.0)
                holds((free.max() ?? 0) - (free.min() ?? 0) <= 1)
                holds(zip(counts, limits).allSatisfy { $0.0 <= $0.1 })
            }
            agents = service.candidates
            lastTurn = service.lastTurn
            if service.picks.isEmpty { break }
            waiting.removeFirst(service.picks.count)
        }
        holds(counts == limits)
        holds(served == Array(0..<500), "first come, first served")
    }

    /// S18: of two who are candidates in the same decisions, neither is chosen twice before the other once; presence,
    /// limits and counts change in between.
    @Test(arguments: 0..<5) func isFair(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var agents = (1...8).map { agent($0, limit: 20) }
        var lastTurn: Int64 = 0
        // How often the row's agent was chosen since the column's was last chosen or ineligible.
        var ahead = [[Int]](repeating: [Int](repeating: 0, count: 8), count: 8)
        for _ in 0..<3_000 {
            agents = agents.map { old in
                LineCandidate(
                    agentID: old.agentID, name: old.name,
                    presence: random.chance(10) ? [.online, .away, .offline][random.int(0...2)] : old.presence,
                    openCount: max(0, old.openCount - random.int(0...1)), maxOpen: old.maxOpen, turn: old.turn)
            }
            let excluded = random.chance(20) ? [id(random.int(1...8))] as Set : []
            let asked = entry(1, random.chance(80) ? .roundRobin : .leastOpen, excluded: excluded)
            let eligible = agents.indices.filter { agents[$0].skipReason(for: asked) == nil }
            let service = serve([asked], candidates: agents, lastTurn: lastTurn)
            holds(service.picks.isEmpty == eligible.isEmpty)
            agents = service.candidates
            lastTurn = service.lastTurn
            guard asked.strategy == .roundRobin else { continue }
            for one in agents.indices {
                for other in agents.indices where !eligible.contains(one) || !eligible.contains(other) {
                    ahead[one][other] = 0
                }
            }
            guard let chosen = service.picks.first?.candidate else { continue }
            for other in eligible where other != chosen {
                ahead[chosen][other] += 1
                ahead[other][chosen] = 0
                holds(ahead[chosen][other] <= 1)
            }
        }
    }

    /// Against a second, slower reading of S15 to S18.
    @Test(arguments: 0..<5) func agreesWithTheRules(seed: UInt64) {
        var random = SplitMix64(seed: seed &+ 100)
        for _ in 0..<300 {
            let agents = (0..<random.int(0...7)).map { number in
                agent(
                    number + 1, open: random.int(0...4), limit: random.chance(30) ? nil : random.int(0...5),
                    turn: Int64(random.int(0...3)), presence: random.chance(80) ? .online : .away)
            }
            let entries = (0..<random.int(0...12)).map { number in
                entry(
                    number, random.chance(50) ? .roundRobin : .leastOpen, onlyOnline: random.chance(80),
                    limit: random.chance(30) ? random.int(1...5) : nil,
                    excluded: random.chance(20) ? [id(random.int(1...7))] : [])
            }
            let service = serve(entries, candidates: agents, lastTurn: 3)
            var open = agents.map(\.openCount)
            var turns = agents.map(\.turn)
            var turn: Int64 = 3
            var picks: [[Int]] = []
            for (position, entry) in entries.enumerated() {
                let able = agents.indices.filter { index in
                    (agents[index].presence == .online || !entry.onlyOnline)
                        && !entry.excluded.contains(agents[index].agentID)
                        && open[index] < min(agents[index].maxOpen ?? .max, entry.maxOpen ?? .max)
                }
                let order = able.sorted { left, right in
                    let keys = [left, right].map { index in
                        (entry.strategy == .leastOpen ? open[index] : 0, turns[index], agents[index].agentID.uuidString)
                    }
                    return keys[0] < keys[1]
                }
                guard let first = order.first else { continue }
                picks.append([position, first, picks.count])
                open[first] += 1
                if entry.strategy == .roundRobin {
                    turn += 1
                    turns[first] = turn
                }
            }
            holds(service.picks.map { [$0.entry, $0.candidate, $0.position] } == picks)
            holds(service.candidates.map(\.openCount) == open)
            holds(service.candidates.map(\.turn) == turns)
            holds(service.lastTurn == turn)
            holds(service.picks.count + service.waiting.count == entries.count)
        }
    }
}
