import Core
import Foundation

/// A message on its way to a contact.
public struct OutgoingMessage: Sendable, Hashable {
    public var messageID: UUID
    public var conversationID: UUID
    public var contactID: UUID
    /// How the channel knows the contact.
    public var externalID: String
    public var text: String
    /// Who wrote it: `agent`, `workflow`, `api` …
    public var source: String
    public var sentAt: Date
    /// The effect's key, the same on every attempt: by it the receiver knows a repetition (invariant 9).
    public var key: String

    public init(
        messageID: UUID, conversationID: UUID, contactID: UUID, externalID: String, text: String, source: String,
        sentAt: Date, key: String
    ) {
        self.messageID = messageID
        self.conversationID = conversationID
        self.contactID = contactID
        self.externalID = externalID
        self.text = text
        self.source = source
        self.sentAt = sentAt
        self.key = key
    }

    /// From an outbox row's body; nil when a member is missing or of another type.
    public init?(outboxBody body: JSON, key: String) {
        func id(_ name: String) -> UUID? { body[name]?.string.flatMap { UUID(uuidString: $0) } }
        guard let messageID = id("message_id"), let conversationID = id("conversation_id"),
            let contactID = id("contact_id"), let externalID = body["external_id"]?.string,
            let text = body["text"]?.string, let source = body["source"]?.string,
            let sentAt = body["sent_at"]?.string.flatMap({ Timestamp.parse($0) })
        else { return nil }
        self.init(
            messageID: messageID, conversationID: conversationID, contactID: contactID, externalID: externalID,
            text: text, source: source, sentAt: sentAt, key: key)
    }
}

/// What an adapter must know of the connected account to send on it.
public struct ChannelAccount: Sendable, Hashable {
    /// Where the account takes messages.
    public var url: String
    /// What we prove ourselves with. A secret.
    public var token: String

    public init(url: String, token: String) {
        self.url = url
        self.token = token
    }
}

/// An HTTP request that delivers a message.
public struct OutgoingRequest: Sendable, Hashable {
    public var method: String
    public var url: String
    public var headers: [ChannelHeader]
    public var body: [UInt8]

    public init(method: String, url: String, headers: [ChannelHeader], body: [UInt8]) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}

/// The answer to it.
public struct ChannelResponse: Sendable, Hashable {
    public var status: Int
    public var headers: [ChannelHeader]
    public var body: [UInt8]

    public init(status: Int, headers: [ChannelHeader] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
