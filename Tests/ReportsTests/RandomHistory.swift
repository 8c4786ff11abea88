import Core
import Foundation
import Postgres
import Store

/// A seeded past of one workspace: conversations with their assignments and the events that say the same.
///
/// Times fall together often, and on midnights; names change; teams change without agents;
/// some conversations were erased; agents reply before, between and after the workflow does.
struct RandomHistory {
    private var random: SplitMix64
    private let workspace: UUID
    private let span: Range<Int>  // Microseconds since 1970.

    private var conversations: [[any PostgresBindable]] = []
    private var contacts: [[any PostgresBindable]] = []
    private var assignments: [[any PostgresBindable]] = []
    private var events: [[any PostgresBindable]] = []

    /// The same ids in every workspace: what leaks from one into another is counted there.
    static let channels = (0..<3).map { UUID(uuidString: "00000000-0000-7000-8000-00000000c00\($0)") ?? UUID() }
    static let teams = (0..<4).map { UUID(uuidString: "00000000-0000-7000-8000-00000000e00\($0)") ?? UUID() }
    static let agents = (0..<6).map { UUID(uuidString: "00000000-0000-7000-8000-00000000a00\($0)") ?? UUID() }

    init(seed: UInt64, workspace: UUID, from: Date, to: Date) {
        random = SplitMix64(state: seed)
        self.workspace = workspace
        span = Timestamp.microseconds(of: from)..<Timestamp.microseconds(of: to)
    }

    /// Makes so many conversations and writes everything.
    static func write(
        _ count: Int, seed: UInt64, workspace: UUID, from: Date, to: Date, into store: Store
    ) async throws {
        var history = RandomHistory(seed: seed, workspace: workspace, from: from, to: to)
        for _ in 0..<count { history.addConversation() }
        try await history.write(into: store)
    }

    private mutating func moment(after earliest: Int) -> Int {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return earliest
        case 1, 2, 3:
            // The first instant of a day somewhere, or the last one of the day before.
            let zone = Self.zones.randomElement(using: &random) ?? nil
            guard let zone else { return earliest }
            let day = zone.day(at: date(earliest)).adding(days: Int.random(in: 1...3, using: &random))
            return Timestamp.microseconds(of: zone.start(of: day)) - (chance(30) ? 1 : 0)
        default: return earliest + Int.random(in: 1...50_400_000_000, using: &random)
        }
    }

    static let zones = ["Europe/Madrid", "America/New_York", "Asia/Kolkata", "UTC"].map(LocalZone.init(identifier:))

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    /// Twice in the span everybody is renamed.
    private func name(_ ids: [UUID], _ id: UUID, _ kind: String, at time: Int) -> String {
        let era = (time - span.lowerBound) * 3 / span.count
        return "\(kind) \(ids.firstIndex(of: id) ?? 0)" + (era == 0 ? "" : " (\(era), O'Brien)")
    }

    private mutating func addConversation() {
        var life = Life(opened: Int.random(in: span, using: &random), random: &random)
        record(
            "conversation.opened", life.source, &life,
            [("contact_id", .id(life.contact)), ("channel_id", .id(life.channel)), ("channel_name", .text("channel"))])
        var time = life.opened
        for _ in 0..<Int.random(in: 0...9, using: &random) {
            time = max(moment(after: time), life.last)
            guard time < span.upperBound else { break }
            life.last = time
            switch Int.random(in: 0..<12, using: &random) {
            case 0, 1: changeTeam(of: &life)
            case 2, 3, 4, 5: assign(&life)
            case 6: unassign(&life)
            case 7, 8: reply(&life)
            case 9: record("message.sent", "workflow", &life, [("message_id", .id(UUID()))])
            case 10: record("message.received", "contact", &life, [("message_id", .id(UUID()))])
            default: close(&life)
            }
            if life.closed != nil { break }
        }
        store(life)
    }

    private struct Life {
        let id = UUIDv7.make()
        let contact = UUIDv7.make()
        let source: String
        let channel: UUID?
        let opened: Int
        var last: Int
        var sequence = 0
        var team: UUID?
        var agent: UUID?
        var reply: (at: Int, agent: UUID, agentName: String, team: UUID?, teamName: String?)?
        var closed: Int?

        init(opened: Int, random: inout SplitMix64) {
            self.opened = opened
            last = opened
            source =
                ["contact", "contact", "contact", "agent", "api", "import"].randomElement(using: &random) ?? "contact"
            channel =
                Int.random(in: 0..<6, using: &random) == 0 ? nil : RandomHistory.channels.randomElement(using: &random)
        }
    }

    private mutating func someSource() -> String {
        ["agent", "workflow", "workflow", "api", "system"].randomElement(using: &random) ?? "agent"
    }

    private mutating func changeTeam(of life: inout Life) {
        let next = chance(20) ? nil : Self.teams.randomElement(using: &random)
        guard next != life.team else { return }
        life.team = next
        log("team", someSource(), &life, agent: life.agent, previous: nil)
    }

    private mutating func assign(_ life: inout Life) {
        guard let next = Self.agents.randomElement(using: &random), next != life.agent else { return }
        let previous = life.agent
        if chance(50) { life.team = Self.teams.randomElement(using: &random) }
        var entered: Int?
        if chance(60) { entered = max(life.opened, life.last - Int.random(in: 0...7_200_000_000, using: &random)) }
        life.agent = next
        log(
            previous == nil ? "assignment" : "transfer", someSource(), &life, agent: next, previous: previous,
            entered: entered)
    }

    private mutating func unassign(_ life: inout Life) {
        guard let previous = life.agent else { return }
        life.agent = nil
        log("unassignment", someSource(), &life, agent: nil, previous: previous)
    }

    private mutating func reply(_ life: inout Life) {
        guard let agent = chance(70) ? life.agent : Self.agents.randomElement(using: &random) else { return }
        let agentName = name(Self.agents, agent, "agent", at: life.last)
        let teamName = life.team.map { name(Self.teams, $0, "team", at: life.last) }
        if life.reply == nil { life.reply = (life.last, agent, agentName, life.team, teamName) }
        record(
            "message.sent", "agent", &life,
            [
                ("message_id", .id(UUID())), ("agent_id", .id(agent)), ("agent_name", .text(agentName)),
                ("team_id", .id(life.team)), ("team_name", .text(teamName)),
            ])
    }

    private mutating func close(_ life: inout Life) {
        life.closed = life.last
        record(
            "conversation.closed", someSource(), &life,
            [
                ("team_id", .id(life.team)),
                ("team_name", .text(life.team.map { name(Self.teams, $0, "team", at: life.last) })),
                ("agent_id", .id(life.agent)),
                ("agent_name", .text(life.agent.map { name(Self.agents, $0, "agent", at: life.last) })),
            ])
    }

    // MARK: Rows

    private func date(_ microseconds: Int) -> Date { Timestamp.date(microsecondsSince1970: microseconds) }

    private mutating func record(_ type: String, _ source: String, _ life: inout Life, _ data: [(String, JSON)]) {
        life.sequence += 1
        let present = JSON(fields: data.filter { !$0.1.isNull })
        events.append([
            workspace, UUIDv7.make(), type, life.id, life.sequence, date(life.last), source, present.text,
        ])
    }

    /// The row of the log and the event that says the same.
    private mutating func log(
        _ kind: String, _ source: String, _ life: inout Life, agent: UUID?, previous: UUID?, entered: Int? = nil
    ) {
        let agentName = agent.map { name(Self.agents, $0, "agent", at: life.last) }
        let previousName = previous.map { name(Self.agents, $0, "agent", at: life.last) }
        let teamName = life.team.map { name(Self.teams, $0, "team", at: life.last) }
        assignments.append([
            workspace, UUIDv7.make(), life.id, kind, date(life.last), source, entered == nil ? "direct" : "line", agent,
            agentName, previous, previousName, life.team, teamName, life.channel, entered.map(date),
        ])
        record(
            kind == "unassignment" ? "conversation.unassigned" : "conversation.assigned", source, &life,
            [
                ("kind", kind == "unassignment" ? .null : .string(kind)), ("agent_id", .id(agent)),
                ("agent_name", .text(agentName)),
                ("previous_agent_id", .id(previous)), ("previous_agent_name", .text(previousName)),
                ("team_id", .id(life.team)),
                ("team_name", .text(teamName)), ("entered_at", .instant(entered.map(date))),
            ])
    }

    private mutating func store(_ life: Life) {
        contacts.append([workspace, life.contact])
        let at = life.closed ?? life.last
        let status = life.closed == nil ? (chance(20) ? "snoozed" : "open") : "closed"
        conversations.append([
            workspace, life.id, life.contact, life.channel, status, life.source, life.team,
            life.team.map { name(Self.teams, $0, "team", at: at) }, life.agent,
            life.agent.map { name(Self.agents, $0, "agent", at: at) }, date(life.opened),
            life.reply.map { date($0.at) },
            life.reply?.agent, life.reply?.agentName, life.reply?.team, life.reply?.teamName, life.closed.map(date),
            life.sequence, date(life.last), chance(5) ? date(life.last) : Date?.none,
        ])
    }

    private func write(into store: Store) async throws {
        func named(_ table: String, _ ids: [UUID], _ more: String, _ values: String) -> String {
            ids.enumerated().map { index, id in
                "INSERT INTO \(table) (workspace_id, id, name\(more)) VALUES ('\(workspace)', '\(id)', '\(table) \(index)'\(values));"
            }.joined(separator: "\n")
        }
        try await store.script(
            named("channels", Self.channels, ", kind, token_hash", ", 'custom', ''")
                + named("teams", Self.teams, "", "")
                + named("agents", Self.agents, "", ""))
        let (contacts, conversations, assignments, events) = (contacts, conversations, assignments, events)
        try await store.database.transaction { transaction in
            try transaction.copyIn("contacts", columns: ["workspace_id", "id"], rows: contacts)
            try transaction.copyIn(
                "conversations",
                columns: [
                    "workspace_id", "id", "contact_id", "channel_id", "status", "source", "team_id", "team_name",
                    "assignee_id", "assignee_name", "opened_at", "first_reply_at", "first_reply_agent_id",
                    "first_reply_agent_name", "first_reply_team_id", "first_reply_team_name", "closed_at",
                    "last_sequence",
                    "last_event_at", "erased_at",
                ], rows: conversations)
            try transaction.copyIn(
                "assignments",
                columns: [
                    "workspace_id", "id", "conversation_id", "kind", "occurred_at", "source", "via", "agent_id",
                    "agent_name", "previous_agent_id", "previous_agent_name", "team_id", "team_name", "channel_id",
                    "entered_at",
                ], rows: assignments)
            try transaction.copyIn(
                "events",
                columns: [
                    "workspace_id", "id", "type", "conversation_id", "sequence", "occurred_at", "source", "data",
                ],
                rows: events)
        }
    }
}
