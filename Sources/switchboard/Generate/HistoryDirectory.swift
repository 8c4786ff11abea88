import Core
import Foundation
import Store

/// The people and things that a generated history happens to, made by the same verbs that the API uses.
struct HistoryDirectory: Sendable {
    struct Member: Sendable {
        let id: UUID
        let name: String
        let maxOpen: Int
        /// Indexes of teams.
        let teams: [Int]
        /// The local hour at which the shift of eight hours begins.
        let shift: Int
        let worksOnWeekends: Bool
        /// Gone for good after this share of the history; above 1 means never.
        let leaves: Double
    }

    let workspace: UUID
    let zone: LocalZone
    let channels: [Conversation.Named]
    let teams: [Conversation.Named]
    let members: [Member]
    let workflow: Conversation.Named
    let version: Int
    let definition: WorkflowDefinition

    /// Agents of one team: enough for the busiest hour, and few enough that a decision with all of them stays small.
    private static let teamSize = 10

    /// Makes the workspace, staffed for the busiest hour of the history.
    static func make(
        name: String, zone: LocalZone, conversations: Int, rhythm: Rhythm, using random: inout SplitMix64,
        into store: Store
    ) async throws -> HistoryDirectory {
        // A conversation is held for about an hour, so the busiest hour's arrivals are what is open at once; nights come
        // on top in the morning.
        let peak = Double(conversations) * rhythm.peakShare
        let limits = [8, 10, 12, 15, 20]
        let staff = max(12, Int(peak / 12 * 2.2))
        let teamCount = max(4, staff / teamSize)
        var members: [(name: String, maxOpen: Int, teams: [Int], shift: Int, weekends: Bool, leaves: Double)] = []
        for index in 0..<staff {
            let first = HistoryTexts.firstNames[index % HistoryTexts.firstNames.count]
            let home = index % teamCount
            members.append(
                (
                    name: index < HistoryTexts.firstNames.count ? first : "\(first) \(index)",
                    maxOpen: limits.randomElement(using: &random) ?? 10,
                    teams: random.chance(10) ? [home, (home + 1) % teamCount] : [home],
                    // Early and late in turn within each team, so that somebody is there from seven to eleven at night.
                    shift: index / teamCount % 2 == 0 ? 7 : 15,
                    weekends: random.chance(40),
                    leaves: index % 6 == 5 ? Double.random(in: 0.3..<0.9, using: &random) : 2
                ))
        }
        let topics = HistoryTexts.topics.map(\.name)
        let teamNames = (0..<teamCount).map { index in
            let name = index % 4 == 3 ? "General" : topics[index % 4]
            return index < 4 ? name : "\(name) \(index / 4 + 1)"
        }
        return try await store.write { [members] tx in
            let workspace = try tx.createWorkspace(name: name, timeZone: zone.identifier).workspace.id
            let channels = try ["Web chat", "App", "Partner"].map { name in
                Conversation.Named(
                    id: try tx.createChannel(name: name, kind: .custom, url: nil, in: workspace).channel.id, name: name)
            }
            for category in HistoryTexts.categories { _ = try tx.createClosingCategory(name: category, in: workspace) }
            let teams = try teamNames.map { name in
                Conversation.Named(id: try tx.createTeam(name: name, by: .system, in: workspace).id, name: name)
            }
            let people = try members.map { member in
                let agent = try tx.createAgent(
                    NewAgent(name: member.name, presence: .offline, maxOpen: member.maxOpen), by: .system,
                    in: workspace)
                for team in member.teams {
                    _ = try tx.addMember(agent.id, toTeam: teams[team].id, by: .system, in: workspace)
                }
                return Member(
                    id: agent.id, name: member.name, maxOpen: member.maxOpen, teams: member.teams, shift: member.shift,
                    worksOnWeekends: member.weekends, leaves: member.leaves)
            }
            let document = try WorkflowDocument(Self.workflow(teams: teams))
            let workflow = try tx.createWorkflow(document, in: workspace)
            _ = try tx.publishWorkflow(workflow.id, in: workspace)
            return HistoryDirectory(
                workspace: workspace, zone: zone, channels: channels, teams: teams, members: people,
                workflow: Conversation.Named(id: workflow.id, name: workflow.name), version: 1,
                definition: document.definition)
        }
    }

    /// Routes by words; of several teams for one topic the contact's language decides, as a stand-in for any rule.
    private static func workflow(teams: [Conversation.Named]) -> JSON {
        var steps: [JSON] = [
            ["id": "greet", "type": "send_message", "text": .string(HistoryTexts.greeting), "next": "topic"],
            [
                "id": "topic", "type": "branch",
                "branches": .array(
                    HistoryTexts.topics.enumerated().map { index, topic in
                        [
                            "name": .string(topic.name), "next": .string("to_\(index)"),
                            "conditions": [
                                "any": .array(
                                    topic.words.map {
                                        ["field": "message.text", "operator": "contains", "value": .string($0)]
                                    })
                            ],
                        ]
                    }),
                "else": "to_3",
            ],
        ]
        for topic in 0..<4 {
            let choices = stride(from: topic, to: teams.count, by: 4).map { $0 }
            if choices.count > 1 {
                steps.append([
                    "id": .string("to_\(topic)"), "type": "branch",
                    "branches": .array(
                        choices.dropFirst().map { team in
                            [
                                "name": .string("share \(team)"), "next": .string("assign_\(team)"),
                                "conditions": [
                                    "all": [
                                        [
                                            "field": "contact.language", "operator": "equals",
                                            "value": .string(Self.language(ofShare: team / 4)),
                                        ]
                                    ]
                                ],
                            ]
                        }),
                    "else": .string("assign_\(topic)"),
                ])
            }
            for team in choices {
                steps.append([
                    "id": .string(choices.count > 1 ? "assign_\(team)" : "to_\(topic)"), "type": "assign",
                    "target": ["team_id": .id(teams[team].id)],
                    "strategy": .string(team % 2 == 0 ? "round_robin" : "least_open"), "only_online": true,
                    "next": .null,
                ])
            }
        }
        return [
            "name": "Inbound", "description": "Routes a contact's first message by its words.",
            "trigger": [
                "type": "conversation_opened",
                "conditions": [
                    "all": [["field": "conversation.source", "operator": "equals", "value": "contact"]]
                ],
            ],
            "start": "greet", "steps": .array(steps),
        ]
    }

    /// Contacts' languages are spread evenly over the shares.
    static func language(ofShare share: Int) -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz")
        return "\(alphabet[share / 26 % 26])\(alphabet[share % 26])"
    }

    /// On whose behalf the workflow acts.
    var workflowCaller: Caller {
        Caller(source: .workflow, actor: Actor(kind: "workflow", id: workflow.id, name: workflow.name))
    }

    /// How many teams share one topic.
    var shares: Int { (teams.count + 3) / 4 }
}
