import Foundation

/// What a condition can ask about.
public enum ConditionField: Sendable, Hashable {
    case contactName, contactEmail, contactPhone, contactLanguage, contactTags
    /// A workspace field.
    case contactField(String)
    case conversationSource, conversationChannel, conversationPriority, conversationTeam, conversationAssignee
    case messageText

    /// The fields with fixed names; besides them every `contact.{field}`.
    public static let fixed: [(name: String, field: ConditionField)] = [
        ("contact.name", .contactName), ("contact.email", .contactEmail), ("contact.phone", .contactPhone),
        ("contact.language", .contactLanguage), ("contact.tags", .contactTags),
        ("conversation.source", .conversationSource), ("conversation.channel", .conversationChannel),
        ("conversation.priority", .conversationPriority), ("conversation.team", .conversationTeam),
        ("conversation.assignee", .conversationAssignee), ("message.text", .messageText),
    ]

    /// Reads `contact.name`, `contact.topic` or `contact.fields.topic`, `conversation.source`, `message.text` …
    public init?(_ name: String) {
        if let found = Self.fixed.first(where: { $0.name == name }) {
            self = found.field
            return
        }
        for prefix in ["contact.fields.", "contact."] where name.hasPrefix(prefix) {
            let field = String(name.dropFirst(prefix.count))
            guard ContactField.isName(field), !ContactField.reserved.contains(field) else { return nil }
            // `contact.fields.name` would be a built-in value under another name.
            guard !ContactField.standard.contains(field) else { return nil }
            self = .contactField(field)
            return
        }
        return nil
    }
}

/// A field's value as conditions compare it.
enum FoldedValue {
    /// Null, empty text, an empty list.
    case missing
    /// One value; several spellings where a thing is known by its id and by its name.
    case text([FoldedText])
    case list([FoldedText])
}

/// The facts with each field folded at most once between changes.
struct FactsReader {
    private(set) var facts: RunFacts
    private var folded: [ConditionField: FoldedValue] = [:]

    init(_ facts: RunFacts) {
        self.facts = facts
    }

    mutating func change(_ change: (inout RunFacts) -> Void) {
        change(&facts)
        // Only the message's text is costly to fold and never changes within a batch.
        folded = folded.filter { $0.key == .messageText }
    }

    mutating func value(of field: ConditionField) -> FoldedValue {
        if let value = folded[field] { return value }
        let value = fold(field)
        folded[field] = value
        return value
    }

    private func fold(_ field: ConditionField) -> FoldedValue {
        let contact = facts.contact
        let conversation = facts.conversation
        switch field {
        case .contactName: return text(contact.name)
        case .contactEmail: return text(contact.email)
        case .contactPhone: return text(contact.phone)
        case .contactLanguage: return text(contact.language)
        case .contactTags: return list(contact.tags)
        case .contactField(let name):
            guard case .array(let elements) = contact.fields[name] else {
                return text(contact.fields[name].flatMap(ContactFacts.text))
            }
            return list(elements.compactMap(ContactFacts.text))
        case .conversationSource: return text(conversation.source.rawValue)
        case .conversationChannel: return text(conversation.channelID?.lowercased, conversation.channelName)
        case .conversationPriority: return text(conversation.priority.rawValue)
        case .conversationTeam: return text(conversation.teamID?.lowercased, conversation.teamName)
        case .conversationAssignee: return text(conversation.assigneeID?.lowercased)
        case .messageText: return text(facts.messageText)
        }
    }

    private func text(_ spellings: String?...) -> FoldedValue {
        let present = spellings.compactMap { $0 }.filter { !$0.isEmpty }
        return present.isEmpty ? .missing : .text(present.map(FoldedText.init))
    }

    private func list(_ elements: [String]) -> FoldedValue {
        elements.isEmpty ? .missing : .list(elements.map(FoldedText.init))
    }
}
