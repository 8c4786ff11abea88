import Foundation

/// Everything a run may know when it advances, as it stood when the run was taken. Steps that change something change
/// it here too, so that the steps after them see it.
public struct RunFacts: Sendable, Hashable {
    public var contact: ContactFacts
    public var conversation: ConversationFacts
    /// The text of the message that opened the conversation, or of the latest one; nil when there is none.
    public var messageText: String?
    /// The workspace's IANA time zone.
    public var timeZone: String

    public init(
        contact: ContactFacts, conversation: ConversationFacts, messageText: String? = nil, timeZone: String = "UTC"
    ) {
        self.contact = contact
        self.conversation = conversation
        self.messageText = messageText
        self.timeZone = timeZone
    }
}

/// What is known about the person.
public struct ContactFacts: Sendable, Hashable {
    public let id: UUID
    public var name: String?
    public var email: String?
    public var phone: String?
    /// BCP 47: `es`, `pt-BR`.
    public var language: String?
    public var tags: [String]
    /// Values of the workspace's own fields.
    public var fields: [String: JSON]
    /// Who had the conversation before this one when it closed; nil also when that agent has been deleted.
    public var lastAssigneeID: UUID?

    public init(
        id: UUID, name: String? = nil, email: String? = nil, phone: String? = nil, language: String? = nil,
        tags: [String] = [], fields: [String: JSON] = [:], lastAssigneeID: UUID? = nil
    ) {
        self.id = id
        self.name = name
        self.email = email
        self.phone = phone
        self.language = language
        self.tags = tags
        self.fields = fields
        self.lastAssigneeID = lastAssigneeID
    }
}

/// What is known about the conversation.
public struct ConversationFacts: Sendable, Hashable {
    public let id: UUID
    public var status: Conversation.Status
    public var source: Source
    public var channelID: UUID?
    public var channelName: String?
    public var teamID: UUID?
    public var teamName: String?
    public var assigneeID: UUID?
    /// Whether a person (source `agent` or `api`) assigned or unassigned in this conversation: an `assign` step leaves
    /// that alone (S14).
    public var assignedByPerson: Bool
    public var priority: Priority
    public var openedAt: Date
    /// Since when the conversation stands in a line; nil when it stands in none.
    public var queuedAt: Date?

    public init(
        id: UUID, status: Conversation.Status = .open, source: Source = .contact, channelID: UUID? = nil,
        channelName: String? = nil, teamID: UUID? = nil, teamName: String? = nil, assigneeID: UUID? = nil,
        assignedByPerson: Bool = false, priority: Priority = .normal, openedAt: Date, queuedAt: Date? = nil
    ) {
        self.id = id
        self.status = status
        self.source = source
        self.channelID = channelID
        self.channelName = channelName
        self.teamID = teamID
        self.teamName = teamName
        self.assigneeID = assigneeID
        self.assignedByPerson = assignedByPerson
        self.priority = priority
        self.openedAt = openedAt
        self.queuedAt = queuedAt
    }
}

extension ContactFacts {
    /// Writes a field by the name that definitions use: `name`, `email`, `phone`, `language` or a workspace field.
    mutating func set(_ field: String, to value: JSON?) {
        switch field {
        case "name": name = value.flatMap(Self.text)
        case "email": email = value.flatMap(Self.text)
        case "phone": phone = value.flatMap(Self.text)
        case "language": language = value.flatMap(Self.text)
        default: fields[field] = value
        }
    }

    /// A scalar as people read it: `5`, not `5.0`; nil for null, arrays and objects.
    static func text(_ value: JSON) -> String? {
        switch value {
        case .string(let text): text
        case .integer(let number): String(number)
        case .number(let number): Int64(exactly: number).map(String.init) ?? String(number)
        case .bool(let flag): flag ? "true" : "false"
        case .null, .array, .object: nil
        }
    }
}
