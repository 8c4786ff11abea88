import Core
import Foundation
import Testing

@Suite struct TemplateTests {
    static var facts: RunFacts {
        var facts = someFacts(text: "{{contact.email}} <b>&")
        facts.contact.email = "ada@example.org"
        facts.contact.fields = ["topic": "cards", "score": 5.0, "ok": false, "list": ["a", "b"], "none": .null]
        return facts
    }

    @Test(arguments: [
        ("plain { text } & <b>", "plain { text } & <b>"), ("Hello {{contact.name}}!", "Hello Ada!"),
        ("{{ contact.topic }}", "cards"),
        ("{{contact.fields.topic}} {{contact.score}} {{contact.ok}} {{contact.list}}", "cards 5 false a, b"),
        ("[{{contact.phone}}{{contact.none}}{{nobody}}{{contact.name.x}}{{contact}}{{.}}]", "[]"),
        ("{{message.text}}", "{{contact.email}} <b>&"), ("{{{message.text}}}", "{{contact.email}} <b>&"),
        ("{{#contact.phone}}yes{{/contact.phone}}{{^contact.phone}}no{{/contact.phone}}", "no"),
        ("{{#contact.tags}}[{{contact.name}}]{{/contact.tags}}", "[Ada]"), ("{{#contact}}{{name}}{{/contact}}", "Ada"),
        ("{{conversation.id}}", "00000000-0000-7000-8000-000000000002"), ("{{conversation.channel}}", "Web chat"),
        ("\n\nHello\n{{contact.name}}\n", "\n\nHello\nAda\n"), ("{{! note }}x", "x"),
        ("{{uppercased(contact.name)}}", "ADA"),
        ("{{variables.answer}}", "42"), ("{{#contact.name}}\nline\n{{/contact.name}}\n", "line\n"),
    ])
    func renders(source: String, text: String) throws {
        #expect(try Template(source).render(Self.facts, variables: ["answer": 42]) == text)
    }

    @Test(arguments: [
        "{{contact.name", "{{}", "{{#contact.name}}", "{{/contact.name}}", "{{#a}}{{#b}}{{/a}}{{/b}}", "{{> partial}}",
        "{{ >x}}",
        "{{<x}}{{$y}}{{/y}}{{/x}}", "{{=<% %>=}}", "{{% CONTENT_TYPE:HTML}}", "{{contact name}}",
        String(repeating: "{{a}}", count: 101),
        String(repeating: "{{#a}}", count: 21) + String(repeating: "{{/a}}", count: 21),
    ])
    func refuses(source: String) {
        #expect(throws: Template.SyntaxError.self) { try Template(source) }
    }

    @Test func staysShort() throws {
        var facts = Self.facts
        facts.messageText = String(repeating: "é", count: 16_000)
        let text = try Template(String(repeating: "{{message.text}}", count: 100)).render(facts)
        #expect(text.unicodeScalars.count == Template.maximumLength)
    }
}
