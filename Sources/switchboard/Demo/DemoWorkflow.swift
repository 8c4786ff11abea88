import Core
import Foundation

/// The demo's inbound workflow: routes by words to the team that knows about them.
enum DemoWorkflow {
    struct Topic: Sendable {
        let name: String
        let team: String
        let words: [String]
    }

    static let generalTeam = "General"

    /// Tried in order, so the narrower topics come first: "top up my card" is about money and not about the card.
    static let topics: [Topic] = [
        Topic(
            name: "money", team: "Money",
            words: [
                "top up", "top-up", "topup", "topping up", "exchange", "currenc", "rate", "cash", "atm", "cheque",
                "fee",
                "charge", "refund",
            ]),
        Topic(
            name: "transfers", team: "Transfers",
            words: ["transfer", "beneficiary", "direct debit", "payment", "send money", "receive money", "deposit"]),
        Topic(
            name: "cards", team: "Cards",
            words: ["card", "pin", "contactless", "visa", "mastercard", "apple pay", "google pay"]),
    ]

    static var teams: [String] { topics.map(\.team) + [generalTeam] }

    /// Each topic writes what it found into the contact and assigns to its team; who waits too long goes to anyone in
    /// General.
    static func document(team: (String) -> UUID?) -> JSON {
        var steps: [JSON] = [
            [
                "id": "topic", "type": "branch",
                "branches": .array(
                    topics.map { topic in
                        [
                            "name": .string(topic.name), "next": .string(topic.name),
                            "conditions": [
                                "any": .array(
                                    topic.words.map { word in
                                        ["field": "message.text", "operator": "contains", "value": .string(word)]
                                    })
                            ],
                        ]
                    }),
                "else": "general",
            ]
        ]
        for topic in topics {
            steps.append([
                "id": .string(topic.name), "type": "update_contact_field", "field": "topic",
                "value": .string(topic.name),
                "next": .string("to_\(topic.name)"),
            ])
            steps.append([
                "id": .string("to_\(topic.name)"), "type": "assign", "target": target(team(topic.team)),
                "strategy": "least_open", "only_online": true, "timeout": "PT15M", "next": .null,
                "on_timeout": "general",
            ])
        }
        steps.append([
            "id": "general", "type": "assign", "target": target(team(generalTeam)), "strategy": "round_robin",
            "next": .null,
        ])
        return [
            "name": "Inbound",
            "description": "Routes a contact's first message by its words to Money, Transfers, Cards or General.",
            "trigger": [
                "type": "conversation_opened",
                "conditions": [
                    "all": [["field": "conversation.source", "operator": "equals", "value": "contact"]]
                ],
            ],
            "start": "topic", "steps": .array(steps),
        ]
    }

    private static func target(_ team: UUID?) -> JSON {
        ["team_id": .id(team)]
    }
}
