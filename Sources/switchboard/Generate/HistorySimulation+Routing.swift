import Core
import Foundation
import Postgres

extension HistorySimulation {
    private var workspace: UUID { directory.workspace }

    private var workflowCaller: Caller { directory.workflowCaller }

    mutating func begin(_ slot: Int) {
        guard var life = lives[slot], let run = life.runID else { return }
        let date = tick()
        life.runStarted = date
        life.record(
            .runStarted, id: id(at: date), by: workflowCaller, at: date, in: workspace,
            [
                ("run_id", .id(run)), ("workflow_id", .id(directory.workflow.id)),
                ("version", .integer(Int64(directory.version))),
            ])
        lives[slot] = life
        take(slot, [RunSignal(.started)])
    }

    /// Takes the conversation's run on with these signals and does what it asks for.
    mutating func take(_ slot: Int, _ signals: [RunSignal]) {
        guard var life = lives[slot], let runID = life.runID else { return }
        let date = tick()
        let transition = Core.advance(
            life.run, definition: directory.definition, signals: signals, facts: facts(of: life), now: date)
        life.run = transition.run
        for entry in transition.log {
            life.add(
                .runLog,
                [
                    workspace, id(at: date), runID, date, entry.step, entry.visit == 0 ? nil : entry.visit,
                    entry.kind.rawValue, entry.port, entry.data.isNull ? "{}" : entry.data.text,
                ])
        }
        var line: (team: Int, LineRequest)?
        for effect in transition.effects {
            switch effect.action {
            case .sendMessage(let text):
                let message = id(at: date)
                let at = life.record(
                    .messageSent, id: id(at: date), by: workflowCaller, at: date, in: workspace,
                    [
                        ("message_id", .id(message)), ("channel_id", life.conversation.channelID.map { .id($0) }),
                        ("run_id", .id(runID)),
                    ])
                life.message(
                    text, id: message, incoming: false, by: workflowCaller, externalID: nil, at: at, in: workspace)
            case .enterLine(let request):
                guard case .team(let id) = request.target,
                    let team = directory.teams.firstIndex(where: { $0.id == id })
                else { continue }
                line = (team, request)
            case .updateContactField, .updateTags, .addComment, .closeConversation, .unassign, .setTimer:
                preconditionFailure("the workflow of a generated history has no such step")
            }
        }
        if transition.run.status.isEnd {
            let at = life.record(
                .runEnded, id: id(at: date), by: workflowCaller, at: date, in: workspace,
                [
                    ("run_id", .id(runID)), ("workflow_id", .id(directory.workflow.id)),
                    ("status", .string(transition.run.status.name)),
                ])
            life.runEnded = at
        }
        lives[slot] = life
        if let line { enter(slot, line.team, line.1, step: transition.run.step) }
    }

    private func facts(of life: HistoryLife) -> RunFacts {
        let (person, conversation) = (people[life.person], life.conversation)
        let questions = HistoryTexts.topics.first { $0.name == life.topic }?.words.first
        return RunFacts(
            contact: ContactFacts(
                id: person.id, name: person.name, language: person.language, lastAssigneeID: person.lastAgent),
            conversation: ConversationFacts(
                id: conversation.id, status: conversation.status, source: conversation.source,
                channelID: conversation.channelID, teamID: conversation.team?.id,
                assigneeID: conversation.assignee?.id, openedAt: conversation.openedAt,
                queuedAt: life.entry.map { Timestamp.date(microsecondsSince1970: $0.queuedAt) }),
            messageText: questions ?? "Hello", timeZone: directory.zone.identifier)
    }

    /// As the worker does: served at once where nobody stands in the line, else behind those who do.
    private mutating func enter(_ slot: Int, _ team: Int, _ request: LineRequest, step: String?) {
        guard var life = lives[slot] else { return }
        let date = tick()
        let entry = Entry(
            id: id(at: date), life: slot, queuedAt: now, strategy: request.strategy, visit: request.visit, step: step)
        life.team = team
        life.entry = entry
        lives[slot] = life
        let isAlone = lines[team].entries.isEmpty
        lines[team].entries.append(entry)
        if isAlone { serveLine(team, isEntering: true) }
        guard var waiting = lives[slot], waiting.entry != nil else { return }
        waiting.conversation.team = directory.teams[team]
        waiting.conversation.waiting = true
        let moved = waiting.record(
            .conversationAssigned, id: id(at: date), by: workflowCaller, at: date, in: workspace,
            [
                ("kind", .string("team")), ("team_id", .id(directory.teams[team].id)),
                ("team_name", .text(directory.teams[team].name)), ("via", .string("direct")),
                ("run_id", waiting.runID.map { .id($0) }),
            ])
        waiting.add(
            .assignments,
            [
                workspace, id(at: date), waiting.conversation.id, "team", moved, "workflow",
                workflowCaller.actor.json.text, "direct", UUID?.none, String?.none, UUID?.none, String?.none,
                directory.teams[team].id, directory.teams[team].name, waiting.conversation.channelID, waiting.runID,
                UUID?.none, Int?.none, String?.none, Date?.none, Date?.none,
            ])
        waiting.record(
            .conversationWaiting, id: id(at: date), by: workflowCaller, at: date, in: workspace,
            [
                ("line_id", .id(directory.teams[team].id)), ("line_kind", .string("team")),
                ("line_name", .text(directory.teams[team].name)), ("strategy", .string(entry.strategy.rawValue)),
                ("entered_at", .instant(date)), ("queued_at", .instant(date)),
                ("run_id", waiting.runID.map { .id($0) }),
            ])
        lives[slot] = waiting
        if random.chance(3) { plan(.giveUp(slot), after: 600 + random.exponential(mean: 1800)) }
    }

    /// Hands out what the team's agents have room for, in the order of the line.
    mutating func serveLine(_ team: Int, isEntering: Bool = false) {
        let entries = Array(lines[team].entries.prefix(100))
        guard !entries.isEmpty else { return }
        let members = seats.indices.filter { seats[$0].member.teams.contains(team) && now < seats[$0].leavesAt }
        let candidates = members.map { index in
            let seat = seats[index]
            return LineCandidate(
                agentID: seat.member.id, name: seat.member.name, presence: seat.presence, openCount: seat.openCount,
                maxOpen: seat.member.maxOpen, turn: seat.turns[team] ?? 0)
        }
        guard isEntering || candidates.contains(where: { $0.presence == .online && $0.openCount < $0.maxOpen ?? 0 })
        else { return }
        let demands = entries.map {
            LineEntryFacts(
                id: $0.id, conversationID: lives[$0.life]?.conversation.id ?? $0.id, strategy: $0.strategy,
                onlyOnline: true, maxOpen: nil)
        }
        let service = Core.serve(demands, candidates: candidates, lastTurn: lines[team].lastTurn)
        guard isEntering || !service.picks.isEmpty else { return }
        let date = tick()
        let decision = id(at: date)
        batch.add(
            .decisions,
            [
                workspace, decision, directory.teams[team].id, "team", directory.teams[team].name, date,
                JSON.array(candidates.map { Self.json(of: $0, for: demands[0]) }).text, service.picks.count,
                service.waiting.count,
            ])
        lines[team].lastTurn = service.lastTurn
        for (index, candidate) in zip(members, service.candidates) { seats[index].turns[team] = candidate.turn }
        let served = Set(service.picks.map { entries[$0.entry].id })
        lines[team].entries.removeAll { served.contains($0.id) }
        for pick in service.picks {
            let entry = entries[pick.entry]
            give(
                entry.life, to: members[pick.candidate], by: workflowCaller, decision: decision, position: pick.position
            )
            take(
                entry.life,
                [
                    RunSignal(
                        .assigned, visit: entry.visit,
                        data: ["agent_id": .id(candidates[pick.candidate].agentID), "source": "workflow"])
                ])
            plan(.agentWrites(entry.life), after: 8 + random.exponential(mean: 240))
        }
    }

    private static func json(of candidate: LineCandidate, for entry: LineEntryFacts) -> JSON {
        JSON(present: [
            ("agent_id", .id(candidate.agentID)), ("agent_name", .string(candidate.name)),
            ("presence", .string(candidate.presence.rawValue)), ("open_count", .integer(Int64(candidate.openCount))),
            ("max_open", candidate.maxOpen.map { .integer(Int64($0)) }), ("turn", .integer(candidate.turn)),
            ("skipped", candidate.skipReason(for: entry).map { .string($0.rawValue) }),
        ])
    }

    /// The event, the row of the log and the counters of giving a conversation to an agent who has room.
    mutating func give(_ slot: Int, to seat: Int, by caller: Caller, decision: UUID? = nil, position: Int? = nil) {
        guard var life = lives[slot] else { return }
        let date = tick()
        let agent = Conversation.Named(id: seats[seat].member.id, name: seats[seat].member.name)
        let previous = life.conversation.assignee
        let entry = life.entry
        if entry != nil, let team = life.team { life.conversation.team = directory.teams[team] }
        life.entry = nil
        life.conversation.waiting = false
        life.conversation.assignee = agent
        life.conversation.assignedSource = caller.source
        let (team, queued) = (
            life.conversation.team, entry.map { Timestamp.date(microsecondsSince1970: $0.queuedAt) }
        )
        let kind = previous == nil ? "assignment" : "transfer"
        let at = life.record(
            .conversationAssigned, id: id(at: date), by: caller, at: date, in: workspace,
            [
                ("kind", .string(kind)), ("agent_id", .id(agent.id)), ("agent_name", .text(agent.name)),
                ("previous_agent_id", previous.map { .id($0.id) }),
                ("previous_agent_name", previous.map { .text($0.name) }), ("team_id", team.map { .id($0.id) }),
                ("team_name", team.map { .text($0.name) }), ("via", .string(entry == nil ? "direct" : "line")),
                ("strategy", entry.map { .string($0.strategy.rawValue) }), ("decision_id", decision.map { .id($0) }),
                ("position", position.map { .integer(Int64($0)) }),
                ("run_id", entry == nil ? nil : life.runID.map { .id($0) }),
                ("entered_at", queued.map { .instant($0) }),
                ("queued_at", queued.map { .instant($0) }),
            ])
        life.conversation.assignedAt = at
        life.add(
            .assignments,
            [
                workspace, id(at: date), life.conversation.id, kind, at, caller.source.rawValue,
                caller.actor.json.text, entry == nil ? "direct" : "line", agent.id, agent.name, previous?.id,
                previous?.name, team?.id, team?.name, life.conversation.channelID, entry == nil ? nil : life.runID,
                decision, position, entry?.strategy.rawValue, queued, queued,
            ])
        if let before = life.seat { seats[before].openCount -= 1 }
        seats[seat].openCount += 1
        life.seat = seat
        lives[slot] = life
    }
}
