import Foundation
import Mustache

/// Text with places for facts, in Mustache: `Hello {{contact.name}}`. Compiled once, when the definition is parsed.
///
/// Plain text: nothing is escaped. A missing value renders empty. Values are data: what a contact wrote is put in as it
/// is and never read as a template. Sections (`{{#contact.name}}…{{/contact.name}}`) are conditions on a value being
/// there; partials, other delimiters and pragmas are refused.
public struct Template: Sendable, Hashable {
    /// Unicode scalars of a template, and of what it renders to.
    public static let maximumLength = 4_000
    /// Bounds the work of parsing and rendering.
    static let maximumTags = 100
    static let maximumSections = 20

    /// As it was written.
    public let source: String
    /// Nil for text without a place in it.
    private let compiled: MustacheTemplate?

    /// Why text is not a template.
    public struct SyntaxError: Error, Sendable, Hashable {
        /// For people, with line and column where they are known.
        public let detail: String
    }

    /// Compiles the text.
    public init(_ source: String) throws(SyntaxError) {
        self.source = source
        guard source.contains("{{") else {
            compiled = nil
            return
        }
        try Self.checkTags(of: source)
        do {
            // The pragma stands on a line of its own, which the parser takes away as a whole.
            compiled = try MustacheTemplate(string: "{{% CONTENT_TYPE:TEXT}}\n" + source)
        } catch let error as MustacheTemplate.ParserError {
            let position = "line \(error.context.lineNumber - 1), column \(error.context.columnNumber)"
            throw SyntaxError(detail: "\(Self.words(for: error.error)) (\(position))")
        } catch {
            throw SyntaxError(detail: Self.words(for: error))
        }
    }

    /// The text with the facts put in, cut off at `maximumLength`.
    public func render(_ facts: RunFacts, variables: [String: JSON] = [:]) -> String {
        guard let compiled else { return source }
        let text = compiled.render(TemplateScope.root(facts, variables))
        guard text.utf8.count > Self.maximumLength, text.unicodeScalars.count > Self.maximumLength else { return text }
        return String(text.unicodeScalars.prefix(Self.maximumLength))
    }

    public static func == (left: Template, right: Template) -> Bool { left.source == right.source }

    public func hash(into hasher: inout Hasher) { hasher.combine(source) }

    private static func checkTags(of source: String) throws(SyntaxError) {
        let bytes = Array(source.utf8)
        var tags = 0
        var sections = 0
        var index = 0
        while index + 1 < bytes.count {
            guard bytes[index] == UInt8(ascii: "{"), bytes[index + 1] == UInt8(ascii: "{") else {
                index += 1
                continue
            }
            index += 2
            tags += 1
            while index < bytes.count, bytes[index] == 0x20 || (0x09...0x0D).contains(bytes[index]) { index += 1 }
            guard index < bytes.count else { break }
            switch bytes[index] {
            case UInt8(ascii: "#"), UInt8(ascii: "^"): sections += 1
            case UInt8(ascii: ">"), UInt8(ascii: "<"), UInt8(ascii: "$"), UInt8(ascii: "="), UInt8(ascii: "%"):
                let sign = Character(Unicode.Scalar(bytes[index]))
                throw SyntaxError(detail: "{{\(sign) is not supported; values, sections and comments are")
            default: break
            }
        }
        guard tags <= maximumTags else { throw SyntaxError(detail: "more than \(maximumTags) places in one template") }
        guard sections <= maximumSections else {
            throw SyntaxError(detail: "more than \(maximumSections) sections in one template")
        }
    }

    private static func words(for error: any Error) -> String {
        switch error as? MustacheTemplate.Error {
        case .sectionCloseNameIncorrect: "a section is closed that is not the innermost open one"
        case .expectedSectionEnd: "a section is not closed"
        case .unfinishedName: "a {{ is not closed, or what it names is no name"
        default: "the text is not a Mustache template"
        }
    }
}

extension FieldType where Value == Template {
    /// A template of that many Unicode scalars.
    public static func template(length: ClosedRange<Int> = 1...Template.maximumLength) -> FieldType {
        FieldType { value, pointer, errors in
            guard let source = FieldType<String>.string(length: length).read(value, pointer, errors) else { return nil }
            do throws(Template.SyntaxError) {
                return try Template(source)
            } catch {
                errors.add(pointer, "template-syntax", error.detail)
                return nil
            }
        }
    }
}

/// What the names in a template stand for. Objects know their members; values are leaves, so that nothing a contact
/// sent is ever walked into by reflection.
private enum TemplateScope: MustacheParent, MustacheCustomRenderable {
    case root(RunFacts, [String: JSON])
    case contact(ContactFacts)
    case fields([String: JSON])
    case conversation(ConversationFacts)
    case message(String?)

    func child(named name: String) -> Any? {
        switch self {
        case .root(let facts, let variables):
            switch name {
            case "contact": Self.contact(facts.contact)
            case "conversation": Self.conversation(facts.conversation)
            case "message": Self.message(facts.messageText)
            case "variables": Self.fields(variables)
            default: nil
            }
        case .contact(let contact):
            switch name {
            case "id": leaf(contact.id.lowercased)
            case "name": leaf(contact.name)
            case "email": leaf(contact.email)
            case "phone": leaf(contact.phone)
            case "language": leaf(contact.language)
            case "tags": leaf(contact.tags.joined(separator: ", "))
            case "fields": Self.fields(contact.fields)
            default: leaf(contact.fields[name])
            }
        case .fields(let fields): leaf(fields[name])
        case .conversation(let conversation):
            switch name {
            case "id": leaf(conversation.id.lowercased)
            case "source": leaf(conversation.source.rawValue)
            case "priority": leaf(conversation.priority.rawValue)
            case "channel": leaf(conversation.channelName)
            case "team": leaf(conversation.teamName)
            case "opened_at": leaf(Timestamp.format(conversation.openedAt))
            default: nil
            }
        case .message(let text): name == "text" ? leaf(text) : nil
        }
    }

    private func leaf(_ text: String?) -> Any? {
        guard let text, !text.isEmpty else { return nil }
        return TemplateLeaf(text: text)
    }

    private func leaf(_ value: JSON?) -> Any? {
        switch value {
        case .bool(let flag): flag
        case .array(let elements): leaf(elements.compactMap(ContactFacts.text).joined(separator: ", "))
        case .some(let value): leaf(ContactFacts.text(value))
        case nil: nil
        }
    }

    /// An object named where a value should be renders empty.
    var renderText: String { "" }
    var isNull: Bool { false }
}

/// One value's text. Its own type, so that the renderer neither looks for members in it nor repeats sections over it.
private struct TemplateLeaf: MustacheParent, MustacheCustomRenderable, MustacheTransformable {
    let text: String

    func child(named: String) -> Any? { nil }
    func transform(_ name: String) -> Any? { text.transform(name) }
    var renderText: String { text }
    var isNull: Bool { false }
}
