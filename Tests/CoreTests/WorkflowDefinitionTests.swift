import Core
import Foundation
import OrderedCollections
import Testing

/// A definition that is right, to be spoiled.
func inbound(_ steps: [JSON]? = nil, start: JSON = "topic", trigger: JSON? = nil) -> JSON {
    [
        "trigger": trigger ?? [
            "type": "conversation_opened",
            "conditions": ["all": [["field": "conversation.source", "operator": "equals", "value": "contact"]]],
        ],
        "start": start,
        "steps": .array(
            steps ?? [
                [
                    "id": "topic", "type": "branch",
                    "branches": [
                        [
                            "name": "cards", "next": "cards",
                            "conditions": [
                                "any": [["field": "message.text", "operator": "contains", "value": "card"]]
                            ],
                        ]
                    ],
                    "else": "general",
                ],
                [
                    "id": "cards", "type": "update_contact_field", "field": "topic", "value": "cards",
                    "next": "to_cards",
                ],
                [
                    "id": "to_cards", "type": "assign", "target": ["team_id": .id(id(10))], "strategy": "least_open",
                    "only_online": true, "max_open": 20, "timeout": "PT15M", "next": .null, "on_timeout": "general",
                ],
                [
                    "id": "general", "type": "assign", "target": ["team_id": .id(id(11))], "strategy": "round_robin",
                    "next": .null,
                ],
            ]),
    ]
}

private func errors(_ json: JSON) -> [String] {
    do throws(InvalidWorkflow) {
        _ = try WorkflowDefinition.parse(json)
        return []
    } catch {
        return error.errors.map { "\($0.pointer) \($0.code)" }
    }
}

/// One step after the first, which leads to it.
private func stepErrors(_ step: JSON) -> [String] {
    errors(inbound([["id": "end", "type": "end"], step], start: "end"))
}

private func conditionErrors(_ conditions: JSON) -> [String] {
    stepErrors(["id": "b", "type": "branch", "branches": [["name": "n", "conditions": conditions]]])
}

@Suite struct WorkflowDefinitionTests {
    @Test func readsTheInboundWorkflow() throws {
        let definition = try WorkflowDefinition.parse(inbound())
        #expect(definition.nodes.map(\.id) == ["topic", "cards", "to_cards", "general"])
        #expect(
            definition.references == [
                WorkflowReference(target: .team(id(10)), pointer: "/steps/2/target/team_id"),
                WorkflowReference(target: .team(id(11)), pointer: "/steps/3/target/team_id"),
            ])
        #expect(definition.references[0].missing.code == "unknown-team")
        #expect(definition.unreachable.isEmpty)
        #expect(definition.trigger.possibleSources == [.contact])
        #expect(try WorkflowDefinition.parse(definition.json).json == definition.json)
        #expect(try WorkflowDefinition.parse(JSON.parse(definition.json.text)).json == definition.json)
    }

    @Test func leavesOthersMembersAlone() throws {
        var json = inbound()
        json = .object(try #require(json.object).merging(["name": "Inbound"]) { _, new in new })
        #expect(errors(json) == ["/name unknown-field"])
        #expect(throws: Never.self) { try WorkflowDefinition.parse(json, ignoring: ["name", "description"]) }
    }

    @Test(
        arguments: [
            (JSON.null, [" wrong-type"]), ([:], ["/trigger missing", "/start missing", "/steps missing"]),
            (
                ["format": 2, "trigger": ["type": "x"], "start": 1, "steps": []],
                ["/format unknown-format", "/trigger/type not-allowed", "/start wrong-type", "/steps too-few"]
            ),
            (inbound(start: "nowhere"), ["/start unknown-step"]),
            (
                inbound(["x", [:]]),
                ["/steps/0 wrong-type", "/steps/1/id missing", "/steps/1/type missing", "/start unknown-step"]
            ),
            (inbound([["id": "topic", "type": "teleport"]]), ["/steps/0/type unknown-step-type"]),
            (inbound([["id": "topic", "type": "end", "colour": 1]]), ["/steps/0/colour unknown-field"]),
            (
                inbound([["id": "topic", "type": "end"], ["id": "topic", "type": "end"]]), ["/steps/1/id duplicate-id"]
            ),
            (inbound([["id": "no/pe", "type": "end"]]), ["/steps/0/id invalid-format", "/start unknown-step"]),
            (inbound(Array(repeating: ["id": "topic", "type": "end"], count: 101)), ["/steps too-many"]),
            (
                inbound(trigger: ["type": "conversation_opened", "conditions": ["any": []]]),
                ["/trigger/conditions/any empty-conditions"]
            ),
            (inbound(trigger: ["type": "conversation_opened", "once": true]), ["/trigger/once unknown-field"]),
            (inbound(trigger: ["type": "conversation_opened", "conditions": ["all": []]]), []),
            (inbound(trigger: ["type": "conversation_opened", "conditions": .null]), []),
        ] as [(JSON, [String])])
    func refusesWholes(json: JSON, expected: [String]) {
        #expect(errors(json) == expected)
    }

    @Test(
        arguments: [
            (["id": "b", "type": "branch"], ["/steps/1/branches missing"]),
            (["id": "b", "type": "branch", "branches": []], ["/steps/1/branches too-few"]),
            (["id": "b", "type": "branch", "branches": [["name": "n"]]], ["/steps/1/branches/0/conditions missing"]),
            (
                ["id": "b", "type": "branch", "branches": [["name": "n", "conditions": ["all": []]]]],
                ["/steps/1/branches/0/conditions/all empty-conditions"]
            ),
            (
                [
                    "id": "b", "type": "branch",
                    "branches": [
                        [
                            "name": "else", "conditions": ["any": [["field": "contact.name", "operator": "exists"]]],
                            "next": "gone", "then": 1,
                        ]
                    ], "else": "away",
                ],
                [
                    "/steps/1/branches/0/name duplicate-name", "/steps/1/branches/0/then unknown-field",
                    "/steps/1/else dangling-port", "/steps/1/branches/0/next dangling-port",
                ]
            ),
            (["id": "a", "type": "assign"], ["/steps/1/target missing"]),
            (["id": "a", "type": "assign", "target": [:]], ["/steps/1/target missing"]),
            (
                ["id": "a", "type": "assign", "target": ["team_id": "x", "room": 1]],
                ["/steps/1/target/room unknown-field", "/steps/1/target/team_id invalid-format"]
            ),
            (
                ["id": "a", "type": "assign", "target": ["workspace": true, "unassign": true]],
                ["/steps/1/target conflict"]
            ),
            (["id": "a", "type": "assign", "target": ["workspace": false]], ["/steps/1/target/workspace not-allowed"]),
            (
                ["id": "a", "type": "assign", "target": ["workspace": true], "timeout": "PT15M"],
                ["/steps/1/timeout timeout-without-on-timeout"]
            ),
            (
                ["id": "a", "type": "assign", "target": ["workspace": true], "timeout": "PT15M", "on_timeout": .null],
                []
            ),
            (["id": "a", "type": "assign", "target": ["workspace": true], "timeout": .null], []),
            (
                ["id": "a", "type": "assign", "target": ["workspace": true], "on_timeout": "end"],
                ["/steps/1/on_timeout on-timeout-without-timeout"]
            ),
            (
                ["id": "a", "type": "assign", "target": ["workspace": true], "timeout": "P31D", "on_timeout": .null],
                ["/steps/1/timeout out-of-range"]
            ),
            (
                ["id": "a", "type": "assign", "target": ["workspace": true], "timeout": "soon", "on_timeout": .null],
                ["/steps/1/timeout invalid-format"]
            ),
            (
                [
                    "id": "a", "type": "assign", "target": ["workspace": true], "strategy": "random", "max_open": 0,
                    "only_online": 1,
                ],
                ["/steps/1/strategy not-allowed", "/steps/1/only_online wrong-type", "/steps/1/max_open out-of-range"]
            ),
            (
                ["id": "a", "type": "assign", "target": ["agent_id": .id(id(1))], "strategy": "least_open"],
                ["/steps/1/strategy not-allowed"]
            ),
            (
                ["id": "a", "type": "assign", "target": ["unassign": true], "timeout": "PT1M", "on_timeout": .null],
                ["/steps/1/timeout not-allowed", "/steps/1/on_timeout not-allowed"]
            ),
            (
                ["id": "a", "type": "assign", "target": ["workspace": true], "on_none": "end"],
                ["/steps/1/on_none not-allowed"]
            ),
            (["id": "a", "type": "assign", "target": ["previous_agent": true], "on_none": "end"], []),
            (
                ["id": "a", "type": "assign", "target": ["previous_agent": true], "next": "gone"],
                ["/steps/1/next dangling-port"]
            ),
            (
                ["id": "w", "type": "wait", "duration": "PT0S", "next": 5],
                ["/steps/1/next wrong-type", "/steps/1/duration invalid-format"]
            ),
            (["id": "w", "type": "wait"], ["/steps/1/duration missing"]),
            (["id": "w", "type": "wait", "duration": "P30D"], []),
            (
                ["id": "u", "type": "update_contact_field", "field": "tags", "value": "x"],
                ["/steps/1/field invalid-format"]
            ),
            (
                ["id": "u", "type": "update_contact_field", "field": "Topic"],
                ["/steps/1/field invalid-format", "/steps/1/value missing"]
            ),
            (
                ["id": "u", "type": "update_contact_field", "field": "topic", "value": ["a": 1]],
                ["/steps/1/value wrong-type"]
            ),
            (
                ["id": "u", "type": "update_contact_field", "field": "topic", "value": "{{x"],
                ["/steps/1/value template-syntax"]
            ),
            (["id": "u", "type": "update_contact_field", "field": "topic", "value": .null], []),
            (["id": "t", "type": "update_tags"], ["/steps/1/add missing"]),
            (["id": "t", "type": "update_tags", "add": ["a", ""]], ["/steps/1/add/1 too-short"]),
            (["id": "t", "type": "update_tags", "add": ["a"], "remove": ["b", "a"]], ["/steps/1/remove/1 conflict"]),
            (["id": "m", "type": "send_message", "text": ""], ["/steps/1/text too-short"]),
            (
                ["id": "m", "type": "send_message", "text": .string(String(repeating: "x", count: 4_001))],
                ["/steps/1/text too-long"]
            ),
            (["id": "m", "type": "send_message", "text": "Hi {{#a}}"], ["/steps/1/text template-syntax"]),
            (["id": "c", "type": "add_comment"], ["/steps/1/text missing"]),
            (["id": "x", "type": "close_conversation", "category": 1], ["/steps/1/category wrong-type"]),
        ] as [(JSON, [String])])
    func refusesSteps(step: JSON, expected: [String]) {
        #expect(stepErrors(step) == expected)
    }

    @Test(
        arguments: [
            ([:], [" missing"]), ("x", [" wrong-type"]), (["any": "x"], ["/any wrong-type"]),
            (["not": []], ["/not wrong-type"]), (["not": ["all": []]], ["/not/all empty-conditions"]),
            (["field": "contact.nam e", "operator": "equals", "value": "x"], ["/field unknown-condition-field"]),
            (
                ["field": "conversation.mood", "operator": "is", "value": "x"],
                ["/field unknown-condition-field", "/operator unknown-operator"]
            ),
            (["field": "contact.id", "operator": "exists"], ["/field unknown-condition-field"]),
            (["field": "contact.fields.name", "operator": "exists"], ["/field unknown-condition-field"]),
            (["field": "message.text", "operator": "contains"], ["/value missing"]),
            (["field": "message.text", "operator": "contains", "value": ""], ["/value too-short"]),
            (["field": "message.text", "operator": "contains", "value": ["a"]], ["/value wrong-type"]),
            (["field": "message.text", "operator": "matches_any", "value": "a"], ["/value wrong-type"]),
            (["field": "message.text", "operator": "matches_any", "value": []], ["/value too-few"]),
            (["field": "message.text", "operator": "matches_any", "value": ["a", .null]], ["/value/1 wrong-type"]),
            (["field": "message.text", "operator": "exists", "value": "a"], ["/value not-allowed"]),
            (["field": "message.text", "operator": "exists", "value": .null], []),
            (["field": "conversation.source", "operator": "equals", "value": "moon"], ["/value not-allowed"]),
            (
                ["field": "conversation.priority", "operator": "matches_any", "value": ["high", "top"]],
                ["/value/1 not-allowed"]
            ),
            (["field": "conversation.assignee", "operator": "equals", "value": "Ada"], ["/value invalid-format"]),
            (
                ["any": [["field": "message.text", "operator": "exists"]], "all": []],
                ["/all empty-conditions", "/any unknown-field"]
            ),
            (["operator": "exists"], ["/field missing"]),
            (
                ["any": .array(Array(repeating: ["field": "message.text", "operator": "exists"], count: 51))],
                ["/any too-many"]
            ),
            (
                [
                    "any": [
                        ["all": .array(Array(repeating: ["field": "message.text", "operator": "exists"], count: 30))],
                        ["all": .array(Array(repeating: ["field": "message.text", "operator": "exists"], count: 30))],
                    ]
                ], [" too-many"]
            ),
            (
                [
                    "not": [
                        "not": [
                            "not": [
                                "not": [
                                    "not": [
                                        "not": [
                                            "not": ["not": ["not": ["field": "message.text", "operator": "exists"]]]
                                        ]
                                    ]
                                ]
                            ]
                        ]
                    ]
                ], ["/not/not/not/not/not/not/not/not/not too-deep"]
            ),
        ] as [(JSON, [String])])
    func refusesConditions(conditions: JSON, expected: [String]) {
        #expect(conditionErrors(conditions) == expected.map { "/steps/1/branches/0/conditions\($0)" })
    }

    @Test(
        arguments: [
            ([["id": "a", "type": "add_comment", "text": "x", "next": "a"]], ["/steps/0/next cycle-without-wait"]),
            (
                [
                    ["id": "a", "type": "add_comment", "text": "x", "next": "b"],
                    ["id": "b", "type": "send_message", "text": "x", "next": "a"],
                ], ["/steps/1/next cycle-without-wait"]
            ),
            (
                [
                    ["id": "a", "type": "add_comment", "text": "x", "next": "b"],
                    ["id": "b", "type": "wait", "duration": "PT1S", "next": "a"],
                ], []
            ),
            (
                [
                    ["id": "a", "type": "assign", "target": ["workspace": true], "timeout": "PT1M", "on_timeout": "b"],
                    ["id": "b", "type": "send_message", "text": "Still number 7", "next": "a"],
                ], []
            ),
            // Being assigned takes no time when somebody is assigned already.
            (
                [["id": "a", "type": "assign", "target": ["workspace": true], "next": "a"]],
                ["/steps/0/next cycle-without-wait"]
            ),
            (
                [["id": "a", "type": "end"], ["id": "b", "type": "add_comment", "text": "x", "next": "b"]],
                ["/steps/1/next cycle-without-wait"]
            ),
            (
                [
                    [
                        "id": "a", "type": "branch",
                        "branches": [
                            [
                                "name": "n", "next": "a",
                                "conditions": ["any": [["field": "message.text", "operator": "exists"]]],
                            ]
                        ], "else": "a",
                    ]
                ],
                ["/steps/0/else cycle-without-wait", "/steps/0/branches/0/next cycle-without-wait"]
            ),
        ] as [([JSON], [String])])
    func refusesEndlessCycles(steps: [JSON], expected: [String]) {
        #expect(errors(inbound(steps, start: "a")) == expected)
    }

    @Test func tellsEverythingAtOnce() {
        let found = errors(
            inbound(
                [
                    ["id": "a", "type": "wait", "duration": "x", "next": "gone"], ["id": "a", "type": "teleport"],
                    ["id": "c", "type": "assign", "target": ["team_id": 1], "timeout": "PT1M", "next": "c", "odd": 1],
                ], start: "z", trigger: ["type": "full_moon"]))
        #expect(
            found == [
                "/trigger/type not-allowed", "/steps/0/duration invalid-format", "/steps/1/type unknown-step-type",
                "/steps/2/target/team_id wrong-type", "/steps/2/timeout timeout-without-on-timeout",
                "/steps/2/odd unknown-field",
                "/start unknown-step", "/steps/0/next dangling-port", "/steps/1/id duplicate-id",
                "/steps/2/next cycle-without-wait",
            ])
    }

    @Test func namesWhatIsUnreachable() throws {
        let steps: [JSON] = [["id": "a", "type": "end"], ["id": "b", "type": "end"]]
        #expect(try WorkflowDefinition.parse(inbound(steps, start: "a")).unreachable == ["b"])
    }
}

/// Every kind of step in the list has what the rest of the system relies on.
@Suite struct StepsTests {
    @Test func haveTheirOwnNames() {
        #expect(Set(Steps.all.map { $0.type }).count == Steps.all.count)
        let asked: Set = [
            "update_contact_field", "update_tags", "branch", "assign", "send_message", "add_comment",
            "close_conversation", "wait", "end",
        ]
        #expect(Set(Steps.all.map { $0.type }) == asked)
    }

    @Test(arguments: Steps.all.map { $0.type }) func haveAnExampleThatWorks(type: String) throws {
        let kind = try #require(Steps.named(type))
        #expect(!kind.summary.isEmpty)
        #expect(kind.example["type"]?.string == type)
        let start = try #require(kind.example["id"])
        let json = inbound([kind.example, ["id": "next", "type": "end"]], start: start)
        let definition = try WorkflowDefinition.parse(json)
        let node = try #require(definition.node(start.string ?? ""))
        #expect(Swift.type(of: node.step) == kind)
        // What the example says is what is written; defaults may come on top.
        let written = try #require(node.json.object)
        for (name, value) in try #require(kind.example.object) { #expect(written[name] == value) }
        #expect(try WorkflowDefinition.parse(definition.json).json == definition.json)
    }
}
