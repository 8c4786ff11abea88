import Foundation

/// A contact's message as a channel adapter understood it: already checked and bounded.
public struct InboundMessage: Sendable, Hashable {
    /// What the channel calls this message; accepted once per channel (invariant 2).
    public var messageID: String
    /// How the channel knows the contact.
    public var externalID: String
    public var profile: ContactProfile
    /// Up to 16 kB; data, never expanded.
    public var text: String
    /// When the contact sent it by the channel's account; shown, used by nothing else (S2).
    public var sentAt: Date?

    public init(
        messageID: String, externalID: String, profile: ContactProfile = ContactProfile(), text: String,
        sentAt: Date? = nil
    ) {
        self.messageID = messageID
        self.externalID = externalID
        self.profile = profile
        self.text = text
        self.sentAt = sentAt
    }
}

/// What a channel tells about a contact; fills empty values only (S8).
public struct ContactProfile: Sendable, Hashable {
    public var name: String?
    public var email: String?
    public var phone: String?
    public var language: String?

    public init(name: String? = nil, email: String? = nil, phone: String? = nil, language: String? = nil) {
        self.name = name
        self.email = email
        self.phone = phone
        self.language = language
    }
}

/// What became of one inbound message.
public struct InboundResult: Sendable, Hashable {
    public enum Status: String, Sendable {
        case accepted, duplicate, rejected
    }

    public var messageID: String
    public var status: Status
    /// Null for a blocked contact's message, which is kept and opens nothing.
    public var conversationID: UUID?
    /// Whether this message opened the conversation.
    public var opened: Bool
    /// Why it was rejected; empty otherwise.
    public var errors: [FieldError]

    public init(
        messageID: String, status: Status, conversationID: UUID? = nil, opened: Bool = false, errors: [FieldError] = []
    ) {
        self.messageID = messageID
        self.status = status
        self.conversationID = conversationID
        self.opened = opened
        self.errors = errors
    }
}
