import Core
import Foundation
import Postgres

/// How one channel knows a contact. Compared byte by byte as the database does: Swift holds two spellings of the same
/// character for equal, and would merge two people.
public struct IdentityKey: Hashable, Sendable {
    let channelID: UUID
    let externalID: String

    /// Who sent the message.
    public init(event: InboundEvent) {
        self.init(channelID: event.channelID, externalID: event.message.externalID)
    }

    public static func == (left: IdentityKey, right: IdentityKey) -> Bool {
        left.channelID == right.channelID && left.externalID.utf8.elementsEqual(right.externalID.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(channelID)
        var text = externalID
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    init(channelID: UUID, externalID: String) {
        self.channelID = channelID
        self.externalID = externalID
    }

    init(row: PostgresRow) throws {
        self.init(channelID: try row.decode("channel_id"), externalID: try row.decode("external_id"))
    }
}

/// A contact while a batch is being accepted: its row, and its open conversation with all that the batch adds.
struct IngestContact {
    var row: ContactRow
    var isNew = false
    var isAnnounced = false
    var isChanged = false
    var conversation: Conversation?
    /// This batch opened the conversation, with that message.
    var opened = false
    var openedBy: UUID?
    var touched = false

    init(row: ContactRow, isNew: Bool = false) {
        self.row = row
        self.isNew = isNew
    }

    /// Takes over what the channel tells and nobody knew yet (S8).
    /// - Returns: the names of the values that were filled.
    mutating func fill(from profile: ContactProfile) -> [String] {
        var filled: [String] = []
        func fill(_ value: inout String?, _ new: String?, _ name: String) {
            guard value?.isEmpty ?? true, let new, !new.isEmpty else { return }
            value = new
            filled.append(name)
        }
        fill(&row.name, profile.name, "name")
        fill(&row.email, profile.email, "email")
        fill(&row.phone, profile.phone, "phone")
        fill(&row.language, profile.language, "language")
        return filled
    }
}

/// A batch on its way in: what is known so far, and the results as they are settled.
struct IngestBatch {
    struct Receipt {
        let conversationID: UUID?
        let opened: Bool
        let requestID: UUID
    }

    let events: [InboundEvent]
    let hashes: [[UInt8]]
    let requestID: UUID
    let workspace: UUID
    let triggers: [PublishedTrigger]
    var receipts: [ReceiptKey: Receipt] = [:]
    var identities: [IdentityKey: UUID] = [:]
    /// Contacts that this batch creates, with the channel that brought them.
    var created: [UUID: UUID] = [:]
    var contacts: [UUID: IngestContact] = [:]
    var channelNames: [UUID: String] = [:]
    var results: [InboundResult?]
    /// The first of several with the same key in this batch.
    private var firsts: [Int: Int] = [:]
    var now = Date.distantPast

    struct ReceiptKey: Hashable {
        let channelID: UUID
        let hash: [UInt8]
    }

    init(events: [InboundEvent], hashes: [[UInt8]], requestID: UUID, workspace: UUID, triggers: [PublishedTrigger]) {
        self.events = events
        self.hashes = hashes
        self.requestID = requestID
        self.workspace = workspace
        self.triggers = triggers
        results = Array(repeating: nil, count: events.count)
    }

    mutating func knowReceipt(_ row: PostgresRow) throws {
        receipts[ReceiptKey(channelID: try row.decode("channel_id"), hash: try row.decode("external_hash"))] = Receipt(
            conversationID: try row.decode("conversation_id"), opened: try row.decode("opened"),
            requestID: try row.decode("request_id"))
    }

    /// Answers what was accepted before and what came by a channel that the workspace has not (no foreign key would tell),
    /// and notes which messages stand twice in this batch.
    mutating func settleWithoutWriting() {
        var seen: [ReceiptKey: Int] = [:]
        for index in events.indices {
            guard channelNames[events[index].channelID] != nil else {
                results[index] = InboundResult(
                    messageID: events[index].message.messageID, status: .rejected,
                    errors: [FieldError(pointer: "", code: "unknown-reference", detail: "There is no such channel.")])
                continue
            }
            let key = ReceiptKey(channelID: events[index].channelID, hash: hashes[index])
            if let first = seen[key] {
                firsts[index] = first
                results[index] = InboundResult(messageID: events[index].message.messageID, status: .duplicate)
                continue
            }
            seen[key] = index
            guard let receipt = receipts[key] else { continue }
            results[index] = InboundResult(
                messageID: events[index].message.messageID,
                // Our own receipt: this batch committed already, only its answer was lost (S6).
                status: receipt.requestID == requestID ? .accepted : .duplicate,
                conversationID: receipt.conversationID, opened: receipt.opened)
        }
    }

    /// Identities of messages yet to be accepted that nobody has, in key order, each once.
    func missingIdentities() -> [IdentityKey] {
        Set(openKeys().filter { identities[$0] == nil })
            .sorted { left, right in
                left.channelID == right.channelID
                    ? left.externalID.utf8.lexicographicallyPrecedes(right.externalID.utf8)
                    : left.channelID.lowercased < right.channelID.lowercased
            }
    }

    /// Contacts of messages yet to be accepted that this batch did not create.
    func existingContacts() -> [UUID] {
        Array(Set(openKeys().compactMap { identities[$0] }.filter { created[$0] == nil }))
    }

    private func openKeys() -> [IdentityKey] {
        events.indices.filter { results[$0] == nil }.map {
            IdentityKey(channelID: events[$0].channelID, externalID: events[$0].message.externalID)
        }
    }

    /// Every result; a message that stood twice answers as its first one.
    func finished() -> [InboundResult] {
        events.indices.map { index in
            var result =
                results[index]
                ?? InboundResult(messageID: events[index].message.messageID, status: .rejected)
            if let first = firsts[index], let settled = results[first] {
                result.conversationID = settled.conversationID
                result.opened = settled.opened
            }
            return result
        }
    }
}
