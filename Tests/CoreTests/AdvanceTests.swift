import Core
import Foundation
import OrderedCollections
import Testing

private func definition(_ steps: [JSON], start: JSON? = nil) throws -> WorkflowDefinition {
    try WorkflowDefinition.parse(inbound(steps, start: start ?? steps[0]["id"] ?? ""))
}

/// A run with what became of it, advanced batch by batch.
private struct Walk {
    let definition: WorkflowDefinition
    var run = RunState()
    var facts: RunFacts
    var effects: [RunEffect] = []
    var log: [RunLogEntry] = []
    var now = noon

    init(_ steps: [JSON], facts: RunFacts = someFacts()) throws {
        definition = try CoreTests.definition(steps)
        self.facts = facts
    }

    @discardableResult
    mutating func take(_ signals: RunSignal...) -> RunTransition { take(signals) }

    @discardableResult
    mutating func take(_ signals: [RunSignal]) -> RunTransition {
        let transition = advance(run, definition: definition, signals: signals, facts: facts, now: now)
        run = transition.run
        facts = transition.facts
        effects += transition.effects
        log += transition.log
        return transition
    }

    var ports: [String] { log.compactMap { entry in entry.port.map { "\(entry.step ?? "")/\(entry.visit) \($0)" } } }
}

private let team: JSON = ["team_id": .id(id(10))]

@Suite struct AdvanceTests {
    @Test func followsTheInboundWorkflow() throws {
        let definition = try WorkflowDefinition.parse(inbound())
        let first = advance(
            RunState(), definition: definition, signals: [RunSignal(.started)], facts: someFacts(), now: noon)
        #expect(first.status == .active)
        #expect(first.run.step == "to_cards")
        #expect(first.run.visit == 3)
        #expect(first.run.wait == RunWait(.line, due: noon.addingTimeInterval(900)))
        #expect(first.facts.contact.fields["topic"] == "cards")
        #expect(first.facts.conversation.teamID == id(10))
        let request = LineRequest(
            target: .team(id(10)), strategy: .leastOpen, onlyOnline: true, maxOpen: 20, visit: 3,
            queuedAt: noon.addingTimeInterval(-5))
        #expect(
            first.effects.map(\.action) == [
                .updateContactField(name: "topic", value: "cards"), .enterLine(request),
                .setTimer(due: noon.addingTimeInterval(900)),
            ])
        #expect(
            first.effects.map { $0.key(run: id(9)) } == ["/2/0", "/3/0", "/3/1"].map { "\(id(9).lowercased)\($0)" })
        #expect(first.log.map(\.kind) == [.port, .port, .waiting])

        let later = noon.addingTimeInterval(900)
        let second = advance(
            first.run, definition: definition, signals: [RunSignal(.timer, visit: 3)], facts: first.facts, now: later)
        #expect(second.run.step == "general")
        guard case .enterLine(let moved) = second.effects.first?.action else { throw CancellationError() }
        #expect(moved.queuedAt == request.queuedAt, "moving on keeps the place in time")
        #expect(moved.target == .team(id(11)))

        let last = advance(
            second.run, definition: definition,
            signals: [RunSignal(.assigned, visit: 4, data: ["agent_id": .id(id(20)), "source": "workflow"])],
            facts: second.facts,
            now: later)
        #expect(last.status == .completed)
        #expect(last.facts.conversation.assigneeID == id(20))
        #expect(last.effects.isEmpty, "the end of a run never closes a conversation")
    }

    @Test(arguments: [true, false]) func lettingOneOfTimerAndAssignedWin(timerFirst: Bool) throws {
        var walk = try Walk([
            ["id": "a", "type": "assign", "target": team, "timeout": "PT1M", "next": "got", "on_timeout": "late"],
            ["id": "got", "type": "wait", "duration": "PT1M"], ["id": "late", "type": "wait", "duration": "PT1M"],
        ])
        walk.take(RunSignal(.started))
        let both = [RunSignal(.timer, visit: 1), RunSignal(.assigned, visit: 1)]
        walk.take(timerFirst ? both : both.reversed())
        #expect(walk.ports == [timerFirst ? "a/1 on_timeout" : "a/1 next"])
        #expect(walk.run.step == (timerFirst ? "late" : "got"))
        #expect(walk.log.filter { $0.kind == .dropped }.map { $0.data["reason"] } == ["visit_over"])
        walk.take(both)
        #expect(walk.run.visit == 2, "both again change nothing")
    }

    @Test func leavesAloneWhatPeopleDid() throws {
        var facts = someFacts()
        facts.conversation.assigneeID = id(20)
        facts.conversation.assignedByPerson = true
        for target: JSON in [team, ["workspace": true], ["agent_id": .id(id(21))], ["unassign": true]] {
            var walk = try Walk([["id": "a", "type": "assign", "target": target]], facts: facts)
            walk.take(RunSignal(.started))
            #expect(walk.run.status == .completed)
            #expect(walk.effects.isEmpty)
            #expect(walk.log.first?.data == ["reason": "assigned_by_person"])
        }
        var walk = try Walk([["id": "a", "type": "assign", "target": team, "overwrite": true]], facts: facts)
        walk.take(RunSignal(.started))
        #expect(walk.run.wait?.kind == .line)

        // Taken by a person while waiting: this visit goes on, the next assign step keeps its hands off.
        var taken = try Walk([
            ["id": "a", "type": "assign", "target": team, "next": "b"],
            ["id": "b", "type": "assign", "target": ["workspace": true]],
        ])
        taken.take(RunSignal(.started))
        taken.take(RunSignal(.assigned, visit: 1, data: ["agent_id": .id(id(20)), "source": "agent"]))
        #expect(taken.run.status == .completed)
        #expect(taken.ports == ["a/1 next", "b/2 next"])
    }

    @Test func leavesTheLineEntryWhenTimeRunsOut() throws {
        var walk = try Walk([["id": "a", "type": "assign", "target": team, "timeout": "PT1M", "on_timeout": .null]])
        walk.take(RunSignal(.started))
        walk.effects = []
        walk.take(RunSignal(.timer, visit: 1))
        #expect(walk.run.status == .completed)
        #expect(walk.effects.isEmpty)
        #expect(walk.facts.conversation.queuedAt != nil)
        #expect(walk.log.suffix(2).map(\.kind) == [.port, .ended])
    }

    @Test func findsThePreviousAgentOrSaysSo() throws {
        let steps: [JSON] = [
            ["id": "a", "type": "assign", "target": ["previous_agent": true], "next": .null, "on_none": "b"],
            ["id": "b", "type": "assign", "target": team],
        ]
        var walk = try Walk(steps)
        walk.take(RunSignal(.started))
        #expect(walk.ports == ["a/1 on_none"])
        #expect(walk.run.step == "b")
        var facts = someFacts()
        facts.contact.lastAssigneeID = id(20)
        var known = try Walk(steps, facts: facts)
        known.take(RunSignal(.started))
        guard case .enterLine(let request) = known.effects.first?.action else { throw CancellationError() }
        #expect(request.target == .agent(id(20)))
    }

    @Test func endsWithItsConversationOrWorkflow() throws {
        for (kind, status) in [(RunSignal.Kind.closed, RunStatus.conversationClosed), (.stopped, .stopped)] {
            var walk = try Walk([
                ["id": "a", "type": "assign", "target": team, "next": "m"],
                ["id": "m", "type": "send_message", "text": "x"],
            ])
            walk.take(RunSignal(.started))
            walk.effects = []
            walk.take(RunSignal(kind), RunSignal(.assigned, visit: 1))
            #expect(walk.run.status == status)
            #expect(walk.effects.isEmpty)
            #expect(walk.run.wait == nil)
        }
        // Closed before its turn came, by the facts alone.
        var facts = someFacts()
        facts.conversation.status = .closed
        var late = try Walk([["id": "m", "type": "send_message", "text": "x"]], facts: facts)
        late.take(RunSignal(.started), RunSignal(.closed))
        #expect(late.run.status == .conversationClosed)
        #expect(late.effects.isEmpty)
    }

    @Test(arguments: [("wait", true), ("assign", true), ("send", true), ("comment", false)])
    func goesOnAfterClosingWithWhatNeedsNoOpenConversation(next: JSON, ends: Bool) throws {
        var walk = try Walk([
            [
                "id": "c", "type": "close_conversation", "category": "Others", "summary": "{{message.text}}",
                "next": next,
            ],
            ["id": "wait", "type": "wait", "duration": "PT1S"], ["id": "assign", "type": "assign", "target": team],
            ["id": "send", "type": "send_message", "text": "x"], ["id": "comment", "type": "add_comment", "text": "x"],
        ])
        walk.take(RunSignal(.started))
        #expect(walk.effects.first?.action == .closeConversation(category: "Others", summary: "Where is my card?"))
        #expect(walk.run.status == (ends ? .conversationClosed : .completed))
        #expect(walk.effects.count == (ends ? 1 : 2))
    }

    @Test func seesItsOwnWritesAndExpandsNothingTwice() throws {
        var walk = try Walk(
            [
                ["id": "f", "type": "update_contact_field", "field": "name", "value": "{{message.text}}", "next": "t"],
                ["id": "t", "type": "update_tags", "add": ["new", "vip"], "remove": ["old"], "next": "m"],
                ["id": "m", "type": "send_message", "text": "{{contact.name}} ({{contact.tags}})", "next": "g"],
                ["id": "g", "type": "update_contact_field", "field": "name", "value": .null, "next": "n"],
                ["id": "n", "type": "send_message", "text": "  {{contact.name}}", "next": .null],
            ], facts: someFacts(text: "{{contact.id}}"))
        walk.take(RunSignal(.started))
        #expect(walk.effects.count == 4, "a message of nothing is not sent")
        #expect(walk.effects[2].action == .sendMessage(text: "{{contact.id}} (vip, new)"))
        #expect(walk.facts.contact.name == nil)
        #expect(!walk.log.contains { $0.data.text.contains("contact.id") }, "the log holds nothing that contacts wrote")
    }

    @Test func clearsByNullAndByNothing() throws {
        var walk = try Walk([
            ["id": "a", "type": "update_contact_field", "field": "name", "value": .null, "next": "b"],
            ["id": "b", "type": "update_contact_field", "field": "topic", "value": "{{contact.name}}", "next": "c"],
            ["id": "c", "type": "update_contact_field", "field": "score", "value": 5, "next": "d"],
            ["id": "d", "type": "update_contact_field", "field": "seen", "value": ["x", "y"]],
        ])
        walk.take(RunSignal(.started))
        #expect(
            walk.effects.map(\.action) == [
                .updateContactField(name: "name", value: nil), .updateContactField(name: "topic", value: nil),
                .updateContactField(name: "score", value: 5), .updateContactField(name: "seen", value: ["x", "y"]),
            ])
    }

    @Test func endsAfterAThousandVisits() throws {
        var walk = try Walk([
            ["id": "a", "type": "add_comment", "text": "x", "next": "w"],
            ["id": "w", "type": "wait", "duration": "PT1S", "next": "a"],
        ])
        walk.take(RunSignal(.started))
        var rounds = 0
        while walk.run.status == .active {
            walk.take(RunSignal(.timer, visit: walk.run.visit))
            rounds += 1
        }
        #expect(walk.run.status == .failed(reason: "step_visits_exceeded"))
        #expect(walk.run.visit == 1_000)
        #expect(rounds == 500)
        #expect(walk.take(RunSignal(.timer, visit: 1_000)).effects.isEmpty)
    }

    @Test func ignoresWhatComesTooEarlyOrTwice() throws {
        var walk = try Walk([["id": "w", "type": "wait", "duration": "PT1S"]])
        walk.take(RunSignal(.timer, visit: 1), RunSignal(.answered, visit: 0))
        #expect(walk.run == RunState())
        walk.take(RunSignal(.started), RunSignal(.started))
        #expect(walk.run.visit == 1)
        walk.take(RunSignal(.assigned, visit: 1), RunSignal(.timer, visit: 2), RunSignal(.timer))
        #expect(walk.run.visit == 1)
        #expect(walk.run.status == .active)
        #expect(walk.log.count { $0.kind == .dropped } == 6)
    }

    /// Random workflows under random signals in random batches, some twice: never an illegal state, the same state
    /// however the signals are batched, no effect key twice, one way out of each visit.
    @Test(arguments: 0..<8) func staysLegalUnderRandomSignals(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var tried = 0
        while tried < 150 {
            guard let workflow = try? definition(Self.randomSteps(&random), start: "s0") else { continue }
            tried += 1
            var signals: [RunSignal] = [RunSignal(.started)]
            for _ in 0..<random.int(1...40) {
                let kind = RunSignal.Kind.allCases[random.int(0...RunSignal.Kind.allCases.count - 1)]
                guard kind != .closed && kind != .stopped || random.chance(5) else { continue }
                let signal = RunSignal(kind, visit: random.chance(95) ? random.int(0...25) : nil)
                signals.append(signal)
                if random.chance(20) { signals.append(signal) }
            }
            if random.chance(30) { signals.shuffle(using: &random) }

            let whole = advance(RunState(), definition: workflow, signals: signals, facts: someFacts(), now: noon)
            var run = RunState()
            var facts = someFacts()
            var effects: [RunEffect] = []
            var log: [RunLogEntry] = []
            var rest = signals[...]
            while !rest.isEmpty {
                let batch = Array(rest.prefix(random.int(1...4)))
                rest = rest.dropFirst(batch.count)
                let before = run
                let transition = advance(run, definition: workflow, signals: batch, facts: facts, now: noon)
                (run, facts) = (transition.run, transition.facts)
                effects += transition.effects
                log += transition.log
                Self.checkLegal(run, after: before)
                holds(before.status == .active || transition.effects.isEmpty)
                // Delivered once more, the batch changes nothing.
                let again = advance(
                    run, definition: workflow,
                    signals: batch.filter { ($0.visit ?? 0) < run.visit && $0.kind != .closed && $0.kind != .stopped },
                    facts: facts, now: noon)
                holds(again.run == run)
                holds(again.effects.isEmpty)
            }
            holds(whole.run == run)
            holds(whole.effects == effects)
            holds(whole.facts == facts)
            holds(Set(effects.map { $0.key(run: id(9)) }).count == effects.count)
            let ways = log.filter { $0.kind == .port }.map(\.visit)
            holds(Set(ways).count == ways.count, "exactly one way out of each visit")
            holds(log.count { $0.kind == .ended } == (run.status == .active ? 0 : 1))
        }
    }

    private static func checkLegal(_ run: RunState, after before: RunState) {
        holds(run.visit >= before.visit)
        holds(run.visit <= RunState.maximumVisits)
        holds((run.step == nil) == (run.visit == 0))
        holds(
            (run.wait != nil) == (run.status == .active && run.step != nil),
            "alive and begun means waiting for something")
        holds(!before.status.isEnd || run == before, "the end is the end")
        holds(RunState(json: run.json) == run)
    }

    private static func randomSteps(_ random: inout SplitMix64) -> [JSON] {
        let count = random.int(2...8)
        func port(_ random: inout SplitMix64) -> JSON {
            random.chance(15) ? .null : .string("s\(random.int(0...count - 1))")
        }
        return (0..<count).map { number in
            let id = JSON.string("s\(number)")
            switch random.int(0...7) {
            case 0, 1: return ["id": id, "type": "wait", "duration": "PT1S", "next": port(&random)]
            case 2:
                return [
                    "id": id, "type": "assign", "target": team, "next": port(&random),
                    "overwrite": .bool(random.chance(50)),
                ]
            case 3, 4:
                return [
                    "id": id, "type": "assign", "target": ["workspace": true], "timeout": "PT1S",
                    "on_timeout": port(&random),
                    "next": port(&random),
                ]
            case 5: return ["id": id, "type": "send_message", "text": "Hello {{contact.name}}", "next": port(&random)]
            case 6:
                return [
                    "id": id, "type": "branch", "else": port(&random),
                    "branches": [
                        [
                            "name": "vip", "next": port(&random),
                            "conditions": ["field": "contact.tags", "operator": "contains", "value": "vip"],
                        ]
                    ],
                ]
            default:
                return random.chance(20)
                    ? ["id": id, "type": "close_conversation", "next": port(&random)]
                    : ["id": id, "type": "update_tags", "add": ["vip"], "next": port(&random)]
            }
        }
    }

    @Test func readsOnlyStatesItWrote() {
        for text in [
            "{}", #"{"status":"active"}"#, #"{"status":"active","visit":1}"#, #"{"status":"gone","visit":0}"#,
            #"{"status":"active","visit":1001,"step":"a"}"#,
            #"{"status":"active","visit":1,"step":"a","wait":{"kind":"x"}}"#,
            #"{"status":"active","visit":1,"step":"a","wait":{"kind":"line","due":"x"}}"#,
        ] {
            #expect(RunState(json: (try? JSON.parse(text)) ?? .null) == nil)
        }
        #expect(RunState(json: RunState().json) == RunState())
    }
}
