import Core
import Foundation
import Postgres

extension HistorySimulation {
    mutating func perform(_ action: Action) {
        switch action {
        case .arrive: arrive()
        case .begin(let slot): begin(slot)
        case .contactWrites(let slot): contactWrites(slot)
        case .agentWrites(let slot): agentWrites(slot)
        case .handOver(let slot): handOver(slot)
        case .close(let slot): close(slot, by: nil)
        case .giveUp(let slot): giveUp(slot)
        case .shift(let seat, let presence): change(seat, to: presence)
        }
    }

    private var workspace: UUID { directory.workspace }

    private func contactCaller(_ person: Int) -> Caller {
        Caller(source: .contact, actor: Actor(kind: "contact", id: people[person].id))
    }

    private func agentCaller(_ seat: Int) -> Caller {
        let member = seats[seat].member
        return Caller(source: .agent, actor: Actor(kind: "agent", id: member.id, name: member.name))
    }

    private func named(_ seat: Int) -> Conversation.Named {
        Conversation.Named(id: seats[seat].member.id, name: seats[seat].member.name)
    }

    /// Somebody new, or somebody who was there before and has nothing open.
    private mutating func somebody() -> (Int, isNew: Bool) {
        if !people.isEmpty, random.chance(35) {
            for _ in 0..<4 {
                let known = Int.random(in: 0..<people.count, using: &random)
                if !people[known].isBusy { return (known, false) }
            }
        }
        let date = tick()
        let number = people.count
        let first = HistoryTexts.firstNames.randomElement(using: &random) ?? "Ada"
        people.append(
            Person(
                id: id(at: date), name: "\(first) \(number)", externalID: "contact-\(number)",
                channel: [0, 0, 0, 1, 1, 2].randomElement(using: &random) ?? 0,
                language: HistoryDirectory.language(
                    ofShare: Int.random(in: 0..<directory.shares, using: &random))))
        return (number, true)
    }

    private mutating func arrive() {
        planArrival()
        let (person, isNew) = somebody()
        people[person].isBusy = true
        opened += 1
        let date = tick()
        let channel = directory.channels[people[person].channel]
        // A twentieth is begun by the business: an agent writes first.
        let author = random.chance(5) ? seats.indices.filter { isFree($0) }.randomElement(using: &random) : nil
        let topics = HistoryTexts.topics + [.init(name: "General", words: [], questions: HistoryTexts.general)]
        let topic = topics.randomElement(using: &random) ?? topics[0]
        let caller = author.map(agentCaller) ?? contactCaller(person)
        let conversation = Conversation(
            id: id(at: date), contactID: people[person].id, channelID: channel.id, source: caller.source, openedAt: date
        )
        var life = HistoryLife(
            conversation, person: person, topic: topic.name,
            turns: 1 + min(7, Int(random.exponential(mean: 2))))
        if isNew { introduce(person, at: date, to: &life) }
        life.record(
            .conversationOpened, id: id(at: date), by: caller, at: date, in: workspace,
            [
                ("contact_id", .id(people[person].id)), ("channel_id", .id(channel.id)),
                ("channel_name", channel.name.map { .string($0) }),
            ])
        if let author {
            let slot = admit(life)
            give(slot, to: author, by: agentCaller(author))
            plan(.agentWrites(slot), after: 5 + random.exponential(mean: 20))
            return
        }
        let message = id(at: tick())
        life.trigger = message
        life.runID = id(at: date)
        write(
            topic.questions.randomElement(using: &random) ?? "Hello", message, by: person, at: date, to: &life)
        let slot = admit(life)
        plan(.begin(slot), after: Double.random(in: 0.002..<0.030, using: &random))
    }

    private mutating func introduce(_ person: Int, at date: Date, to life: inout HistoryLife) {
        let contact = people[person]
        let channel = directory.channels[contact.channel].id
        // Contacts and identities go ahead of the conversation that refers to them.
        batch.add(
            .contacts,
            [
                workspace, contact.id, contact.name, "+3460\(String(format: "%07d", person))", contact.language,
                random.chance(12) ? ["vip"] : [String](), date, date,
            ])
        batch.add(.identities, [workspace, channel, contact.externalID, contact.id, date])
        let event = Event(
            id: id(at: date), type: .contactCreated, conversationID: nil, sequence: nil, occurredAt: date,
            source: .contact, actor: contactCaller(person).actor,
            data: ["contact_id": .id(contact.id), "channel_id": .id(channel)])
        batch.add(.events, HistoryLife.row(of: event, in: workspace))
    }

    private mutating func write(
        _ text: String, _ message: UUID, by person: Int, at date: Date, to life: inout HistoryLife
    ) {
        let caller = contactCaller(person)
        let at = life.record(
            .messageReceived, id: id(at: date), by: caller, at: date, in: workspace,
            [("message_id", .id(message)), ("channel_id", life.conversation.channelID.map { .id($0) })])
        life.message(
            text, id: message, incoming: true, by: caller, externalID: message.lowercased, at: at, in: workspace)
    }

    private mutating func contactWrites(_ slot: Int) {
        guard var life = lives[slot] else { return }
        let date = tick()
        let text = HistoryTexts.contactReplies.randomElement(using: &random) ?? "ok"
        write(text, id(at: date), by: life.person, at: date, to: &life)
        lives[slot] = life
        plan(.agentWrites(slot), after: 15 + random.exponential(mean: 180))
    }

    private mutating func agentWrites(_ slot: Int) {
        guard var life = lives[slot], let seat = life.seat else { return }
        let date = tick()
        let caller = agentCaller(seat)
        let message = id(at: date)
        let team = life.conversation.team
        let at = life.record(
            .messageSent, id: id(at: date), by: caller, at: date, in: workspace,
            [
                ("message_id", .id(message)), ("channel_id", life.conversation.channelID.map { .id($0) }),
                ("agent_id", .id(seats[seat].member.id)), ("agent_name", .string(seats[seat].member.name)),
                ("team_id", team.map { .id($0.id) }), ("team_name", team.map { .text($0.name) }),
            ])
        if life.conversation.firstReply == nil {
            life.conversation.firstReply = Conversation.FirstReply(at: at, agent: named(seat), team: team)
        }
        let text = HistoryTexts.agentReplies.randomElement(using: &random) ?? "Yes."
        life.message(text, id: message, incoming: false, by: caller, externalID: nil, at: at, in: workspace)
        life.turnsLeft -= 1
        let isOver = life.turnsLeft <= 0
        lives[slot] = life
        if isOver {
            plan(.close(slot), after: 60 + random.exponential(mean: 900))
        } else if random.chance(8) {
            plan(.handOver(slot), after: 30 + random.exponential(mean: 60))
        } else {
            plan(.contactWrites(slot), after: 20 + random.exponential(mean: 400))
        }
    }

    /// A colleague takes over; where nobody has room, it stays where it is.
    private mutating func handOver(_ slot: Int) {
        guard let life = lives[slot], let seat = life.seat else { return }
        let team = life.team
        let others = seats.indices.filter {
            $0 != seat && isFree($0) && (team.map(seats[$0].member.teams.contains) ?? true)
        }
        if let other = others.randomElement(using: &random) { give(slot, to: other, by: agentCaller(seat)) }
        plan(.agentWrites(slot), after: 30 + random.exponential(mean: 200))
    }

    private func isFree(_ seat: Int) -> Bool {
        seats[seat].presence == .online && seats[seat].openCount < seats[seat].member.maxOpen
            && now < seats[seat].leavesAt
    }

    private mutating func close(_ slot: Int, by other: Caller?) {
        guard var life = lives[slot] else { return }
        let date = tick()
        let caller = other ?? life.seat.map(agentCaller) ?? .system
        let (agent, team) = (life.conversation.assignee, life.conversation.team)
        let category = random.chance(70) ? HistoryTexts.categories.randomElement(using: &random) : nil
        if let entry = life.entry, let line = life.team {
            lines[line].entries.removeAll { $0.id == entry.id }
            life.entry = nil
            life.conversation.waiting = false
        }
        let at = life.record(
            .conversationClosed, id: id(at: date), by: caller, at: date, in: workspace,
            [
                ("category", category.map { .string($0) }), ("team_id", team.map { .id($0.id) }),
                ("team_name", team.map { .text($0.name) }), ("agent_id", agent.map { .id($0.id) }),
                ("agent_name", agent.map { .text($0.name) }),
            ])
        life.conversation.status = .closed
        life.conversation.closedAt = at
        life.conversation.closedSource = caller.source
        life.conversation.category = category
        if let seat = life.seat {
            seats[seat].openCount -= 1
            people[life.person].lastAgent = seats[seat].member.id
        }
        lives[slot] = life
        if life.runEnded == nil, life.runStarted != nil { take(slot, [RunSignal(.closed)]) }
        release(slot)
        if let seat = life.seat { for team in seats[seat].member.teams { serveLine(team) } }
    }

    /// Some who wait too long are called back on another way; a person closes what they left.
    private mutating func giveUp(_ slot: Int) {
        guard let life = lives[slot], life.entry != nil else { return }
        close(slot, by: Caller(source: .api, actor: Actor(kind: "key", name: "Call centre")))
    }

    private mutating func change(_ index: Int, to presence: Agent.Presence) {
        guard seats[index].presence != presence, now < seats[index].leavesAt else { return }
        let date = tick()
        let (seat, previous) = (seats[index], seats[index].presence)
        seats[index].presence = presence
        seats[index].presenceChangedAt = now
        let event = Event(
            id: id(at: date), type: .agentPresenceChanged, conversationID: nil, sequence: nil, occurredAt: date,
            source: .agent, actor: agentCaller(index).actor,
            data: [
                "agent_id": .id(seat.member.id), "agent_name": .string(seat.member.name),
                "presence": .string(presence.rawValue), "previous": .string(previous.rawValue),
            ])
        batch.add(.events, HistoryLife.row(of: event, in: workspace))
        if presence == .online { for team in seat.member.teams { serveLine(team) } }
    }
}
