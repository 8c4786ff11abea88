import Core
import Crypto
import Foundation
import Postgres

extension StoreTransaction {
    /// Accepts a batch of inbound messages of one workspace: receipts, contacts and identities, conversations, messages,
    /// events and run candidates, each written set-based.
    ///
    /// Order and guarantees (S5, S6): a message with a receipt is a duplicate; identities are settled in key order, so that
    /// batches wait for each other instead of dead-locking; the contact's row lock lines up everybody who opens or closes,
    /// and the unique indexes on receipts, identities and open conversations are the guarantee: a violation rolls the
    /// batch back and the combiner repeats it.
    /// - Parameter requestID: marks the receipts of this batch, so that a repetition after a connection lost during
    ///   commit recognises its own and answers `accepted` again.
    public func ingest(_ events: [InboundEvent], requestID: UUID, in workspace: UUID) throws -> [InboundResult] {
        changes.workspaceID = workspace
        let hashes = events.map { Self.receiptHash($0.message.messageID) }
        let channels = events.map(\.channelID)
        let externals = events.map(\.message.externalID)
        let receipts = try send("ingest_receipts", [workspace, channels, hashes])
        let identities = try send("ingest_identities", [workspace, channels, externals])
        let triggers = try send("triggers_published", [workspace, "conversation_opened"])
        let names = try send("ingest_channels", [workspace, Array(Set(channels))])

        var batch = IngestBatch(
            events: events, hashes: hashes, requestID: requestID, workspace: workspace,
            triggers: try triggers.rows().map(PublishedTrigger.init(row:)))
        for row in try receipts.rows() { try batch.knowReceipt(row) }
        for row in try identities.rows() {
            let key = try IdentityKey(row: row)
            batch.identities[key] = try row.decode("contact_id", as: UUID.self)
        }
        for row in try names.rows() {
            batch.channelNames[try row.decode("id")] = try row.decode("name", as: String.self)
        }
        batch.settleWithoutWriting()
        try settleIdentities(&batch)
        try lockContacts(&batch)
        for index in events.indices where batch.results[index] == nil {
            accept(index, &batch)
        }
        for contact in batch.contacts.values {
            if contact.isNew {
                changes.contactsInserted.append(contact.row)
            } else if contact.isChanged {
                changes.contactsUpdated[contact.row.id] = contact.row
            }
            guard let conversation = contact.conversation else { continue }
            if contact.opened {
                changes.conversationsInserted.append(conversation)
            } else if contact.touched {
                changes.conversationsUpdated[conversation.id] = conversation
            }
        }
        return batch.finished()
    }

    /// What a receipt keeps of the channel's message id: erasing a person leaves nothing to read (S24).
    static func receiptHash(_ messageID: String) -> [UInt8] {
        Array(SHA256.hash(data: Data(messageID.utf8)))
    }

    /// Finds or creates who the identities belong to. Where another process won, its contact is taken. Then the clock is
    /// read, behind the wait for that process: where nobody was known before there is nothing more to lock.
    private func settleIdentities(_ batch: inout IngestBatch) throws {
        let missing = batch.missingIdentities()
        guard !missing.isEmpty else { return }
        let proposed = missing.map { _ in newID() }
        let rows = try send(
            "ingest_create_identities",
            [batch.workspace, missing.map(\.channelID), missing.map(\.externalID), proposed])
        let clock = try send("clock", [batch.workspace])
        for row in try rows.rows() {
            let key = try IdentityKey(row: row)
            let contact: UUID = try row.decode("contact_id")
            batch.identities[key] = contact
            if let index = missing.firstIndex(of: key), proposed[index] == contact {
                batch.created[contact] = key.channelID
            }
        }
        batch.now = try clock.rows().first?.decode("now") ?? batch.now
    }

    /// Locks the contacts that existed before, then whatever they have open (S19), then reads the clock: after the locks,
    /// so that an opening is never dated before the closing that it waited for.
    private func lockContacts(_ batch: inout IngestBatch) throws {
        let existing = batch.existingContacts()
        if !existing.isEmpty {
            let contacts = try send("contacts_lock", [batch.workspace, existing])
            let open = try send("conversations_lock_open_of_contacts", [batch.workspace, existing])
            let clock = try send("clock", [batch.workspace])
            for row in try contacts.rows() {
                // Erased since its identity was read: the next attempt no longer finds the identity.
                if try row.decode("erased_at", as: Date?.self) != nil { throw IngestRepeat() }
                let contact = try ContactRow(row: row)
                batch.contacts[contact.id] = IngestContact(row: contact)
            }
            for conversation in try conversations(from: open).rows.values {
                batch.contacts[conversation.contactID]?.conversation = conversation
            }
            batch.now = try clock.rows().first?.decode("now") ?? batch.now
        }
        for id in batch.created.keys {
            batch.contacts[id] = IngestContact(row: ContactRow(id: id), isNew: true)
        }
    }

    private func accept(_ index: Int, _ batch: inout IngestBatch) {
        let event = batch.events[index]
        let key = IdentityKey(channelID: event.channelID, externalID: event.message.externalID)
        guard let id = batch.identities[key], var contact = batch.contacts[id] else { return }
        let caller = Caller(source: .contact, actor: Actor(kind: "contact", id: id))
        let filled = contact.fill(from: event.message.profile)
        if contact.isNew, !contact.isAnnounced {
            contact.isAnnounced = true
            contactEvent(
                .contactCreated, id, data: ["contact_id": .id(id), "channel_id": .id(event.channelID)], caller,
                batch.now)
        } else if !filled.isEmpty {
            contact.isChanged = !contact.isNew
            contactEvent(
                .contactUpdated, id, data: ["contact_id": .id(id), "fields": .array(filled.map { .string($0) })],
                caller,
                batch.now)
        }
        let message =
            contact.conversation?.nextID(at: batch.now) ?? UUIDv7.make(exactlyAt: batch.now, number: 1)
        if !contact.row.blocked {
            receive(message, by: event, contact: &contact, caller, &batch)
        }
        changes.messages.append(
            MessageRow(
                id: message, conversationID: contact.row.blocked ? nil : contact.conversation?.id, contactID: id,
                channelID: event.channelID, incoming: true, source: .contact, text: event.message.text,
                status: "received", externalID: event.message.messageID, sentAt: event.message.sentAt ?? batch.now,
                createdAt: batch.now))
        let opened = contact.openedBy == message
        changes.receipts.append(
            ReceiptRow(
                channelID: event.channelID, externalHash: batch.hashes[index], messageID: message,
                conversationID: contact.row.blocked ? nil : contact.conversation?.id, opened: opened,
                requestID: batch.requestID))
        batch.results[index] = InboundResult(
            messageID: event.message.messageID, status: .accepted,
            conversationID: contact.row.blocked ? nil : contact.conversation?.id, opened: opened)
        batch.contacts[id] = contact
    }

    /// Adds the message to what is open, or opens a conversation with it.
    private func receive(
        _ message: UUID, by event: InboundEvent, contact: inout IngestContact, _ caller: Caller,
        _ batch: inout IngestBatch
    ) {
        var conversation: Conversation
        if let open = contact.conversation {
            conversation = open
            // A contact who writes wakes a snoozed conversation.
            conversation.status = .open
        } else {
            conversation = Conversation(
                id: newID(), contactID: contact.row.id, channelID: event.channelID, source: .contact,
                openedAt: batch.now)
            contact.opened = true
            contact.openedBy = message
            recordOpening(
                of: &conversation, channelName: batch.channelNames[event.channelID], message: message,
                triggers: batch.triggers, by: caller, at: batch.now, in: batch.workspace, trace: event.trace)
        }
        changes.events.append(
            conversation.record(
                .messageReceived, id: newID(), by: caller, at: batch.now,
                data: ["message_id": .id(message), "channel_id": .id(event.channelID)]))
        contact.conversation = conversation
        contact.touched = true
    }

    private func contactEvent(_ type: EventType, _ id: UUID, data: JSON, _ caller: Caller, _ now: Date) {
        changes.events.append(
            Event(
                id: newID(), type: type, conversationID: nil, sequence: nil, occurredAt: now, source: caller.source,
                actor: caller.actor, data: data))
    }
}

/// The batch must be read again from the start: what it saw changed under it.
public struct IngestRepeat: Error {}
