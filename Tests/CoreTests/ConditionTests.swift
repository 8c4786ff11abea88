import Core
import Foundation
import Testing

@Suite struct FoldedTextTests {
    @Test(arguments: [
        ("Überweisung", "UBERWEISUNG"), ("Straße", "STRASSE"), ("İstanbul", "istanbul"), ("Ŝako", "sako"),
        ("ΟΔΌΣ", "οδος"),
        ("Ёлка", "елка"), ("cafe\u{301}", "CAFÉ"), ("Łódź", "lodz"), ("smørrebrød", "SMORREBROD"), ("مُحَمَّد", "محمد"),
        ("أحمد", "احمد"), ("Ⅷ", "ⅷ"), ("ＡＢＣ", "ａｂｃ"), ("Œuvre", "oeuvre"), ("Vĩnh", "vinh"), ("Ậ", "a"), ("❤️", "❤"),
    ])
    func ignoresCaseAndDiacritics(left: String, right: String) {
        #expect(FoldedText(left) == FoldedText(right))
    }

    @Test func keepsWhatDiffers() {
        #expect(FoldedText("が") != FoldedText("か"), "a mark that makes another letter")
        #expect(FoldedText("कि") != FoldedText("का"))
        #expect(!FoldedText("각").contains(FoldedText("가")), "syllables are not taken apart")
        #expect(FoldedText("日本語").contains(FoldedText("本")))
        #expect(FoldedText("😀").isEmpty == false)
    }

    @Test func findsLikeANaiveSearch() {
        var random = SplitMix64(seed: 7)
        for _ in 0..<5_000 {
            let text = (0..<random.int(0...12)).map { _ in random.chance(50) ? "a" : "b" }.joined()
            let wanted = (0..<random.int(0...4)).map { _ in random.chance(50) ? "a" : "b" }.joined()
            holds(FoldedText(text).contains(FoldedText(wanted)) == (wanted.isEmpty || text.contains(wanted)))
        }
    }
}

@Suite struct ConditionTests {
    /// Reads a condition as a trigger's, where an empty `all` may stand.
    static func condition(_ json: JSON) throws -> Condition {
        let definition = try WorkflowDefinition.parse([
            "trigger": ["type": "conversation_opened", "conditions": json], "start": "a",
            "steps": [["id": "a", "type": "end"]],
        ])
        return try #require(definition.trigger.conditions).condition
    }

    static func test(_ field: JSON, _ comparison: JSON, _ value: JSON? = nil) -> JSON {
        JSON(present: [("field", field), ("operator", comparison), ("value", value)])
    }

    static var facts: RunFacts {
        var facts = someFacts(text: "¿Dónde está mi TARJETA?")
        facts.contact.fields = [
            "topic": "Cards", "score": 5, "ratio": 5.0, "ok": true, "none": .null, "empty": "", "list": ["x", "Y"],
            "no": [],
        ]
        facts.contact.language = ""
        return facts
    }

    @Test(
        arguments: [
            (test("message.text", "contains", "tarjeta"), true), (test("message.text", "contains", "donde esta"), true),
            (test("message.text", "not_contains", "loan"), true), (test("contact.name", "equals", "ADA"), true),
            (test("contact.name", "equals", "Ad"), false), (test("contact.name", "not_equals", "bob"), true),
            (test("contact.email", "equals", "x"), false), (test("contact.email", "not_equals", "x"), true),
            (test("contact.email", "contains", "x"), false), (test("contact.email", "not_contains", "x"), true),
            (test("contact.email", "exists"), false), (test("contact.email", "not_exists"), true),
            (test("contact.language", "exists"), false), (test("contact.tags", "contains", "VIP"), true),
            (test("contact.tags", "contains", "vi"), false), (test("contact.tags", "not_contains", "new"), true),
            (test("contact.tags", "equals", "vip"), true), (test("contact.tags", "matches_any", ["a", "vip"]), true),
            (test("contact.tags", "exists"), true), (test("contact.topic", "equals", "cards"), true),
            (test("contact.fields.topic", "matches_any", ["loans", "cards"]), true),
            (test("contact.score", "equals", 5), true),
            (test("contact.score", "equals", "5"), true), (test("contact.ratio", "equals", 5), true),
            (test("contact.ok", "equals", true), true),
            (test("contact.none", "exists"), false), (test("contact.empty", "not_exists"), true),
            (test("contact.no", "exists"), false),
            (test("contact.list", "contains", "y"), true), (test("contact.list", "equals", "x"), true),
            (test("conversation.source", "equals", "contact"), true),
            (test("conversation.source", "matches_any", ["api", "agent"]), false),
            (test("conversation.channel", "equals", "web chat"), true),
            (test("conversation.channel", "equals", "00000000-0000-7000-8000-000000000003"), true),
            (test("conversation.team", "not_exists"), true), (test("conversation.priority", "equals", "normal"), true),
            (["all": []], true), (["all": [test("contact.name", "exists"), test("contact.email", "exists")]], false),
            (["any": [test("contact.email", "exists"), test("contact.name", "exists")]], true),
            (["not": ["any": [test("contact.email", "exists"), test("contact.phone", "exists")]]], true),
        ] as [(JSON, Bool)])
    func holds(json: JSON, expected: Bool) throws {
        #expect(try Self.condition(json).holds(for: Self.facts) == expected)
    }

    @Test func saysWhichSourcesArePossible() throws {
        func sources(_ json: JSON) throws -> [Source]? {
            try WorkflowDefinition.parse([
                "trigger": ["type": "conversation_opened", "conditions": json], "start": "a",
                "steps": [["id": "a", "type": "end"]],
            ]).trigger.possibleSources
        }
        let contact = Self.test("conversation.source", "equals", "contact")
        let some = Self.test("conversation.source", "matches_any", ["contact", "api"])
        let name = Self.test("contact.name", "exists")
        #expect(try sources(["all": []]) == nil)
        #expect(try sources(["all": [contact, name]]) == [.contact])
        #expect(try sources(["all": [some, contact]]) == [.contact])
        #expect(try sources(["any": [some, contact]]) == [.contact, .api])
        #expect(try sources(["any": [contact, name]]) == nil)
        #expect(try sources(["not": contact]) == nil)
    }
}
