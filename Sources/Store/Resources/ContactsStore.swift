import Core
import Foundation
import OrderedCollections
import Postgres

/// What is given for a new contact.
public struct NewContact: Sendable {
    public var name: String?
    public var email: String?
    public var phone: String?
    public var language: String?
    public var tags: [String] = []
    public var fields: OrderedDictionary<String, JSON> = [:]
    public var blocked = false
    public var identities: [Contact.Identity] = []

    public init() {}
}

/// What a merge-patch of a contact says.
public struct ContactPatch: Sendable {
    public var name: Patch<String> = .absent
    public var email: Patch<String> = .absent
    public var phone: Patch<String> = .absent
    public var language: Patch<String> = .absent
    /// The whole new list.
    public var tags: [String]?
    /// Null removes the value.
    public var fields: OrderedDictionary<String, JSON> = [:]
    public var blocked: Bool?

    public init() {}
}

/// Which contacts a list is about; what is given narrows it.
public struct ContactFilter: Sendable {
    public var identity: Contact.Identity?
    public var email: String?
    public var phone: String?

    public init(identity: Contact.Identity? = nil, email: String? = nil, phone: String? = nil) {
        self.identity = identity
        self.email = email
        self.phone = phone
    }
}

/// Tags that a contact may have.
public let maximumTags = 100

extension Store {
    /// Contacts in the order of their making.
    public func contacts(
        in workspace: UUID, where filter: ContactFilter = ContactFilter(), after: UUID?, limit: Int
    ) async throws -> [Contact] {
        let common: [any PostgresBindable] = [workspace, after ?? .lowest, limit]
        if let identity = filter.identity {
            return try await all(
                "contacts_list_by_identity",
                common + [identity.channelID, identity.externalID, filter.email, filter.phone], Contact.init(row:))
        }
        if let email = filter.email {
            return try await all(
                "contacts_list_by_email", common + [email, filter.phone], Contact.init(row:))
        }
        if let phone = filter.phone {
            return try await all("contacts_list_by_phone", common + [phone], Contact.init(row:))
        }
        return try await all("contacts_list", common, Contact.init(row:))
    }

    public func contact(_ id: UUID, in workspace: UUID) async throws -> Contact {
        try await one("contact_get", [workspace, id], what: "contact", Contact.init(row:))
    }
}

extension StoreTransaction {
    /// - Throws: `.invalid` for values that do not fit their fields and for channels that are not there;
    ///   `.identityTaken` with the owner's `contact_id`.
    public func createContact(_ new: NewContact, by caller: Caller, in workspace: UUID) throws -> Contact {
        let fields = new.fields.filter { !$0.value.isNull }
        try checkFields(fields, in: workspace)
        try checkChannels(new.identities, in: workspace) { "/identities/\($0)/channel_id" }
        let id = newID()
        try send(
            "contact_insert",
            [
                workspace, id, new.name, new.email, new.phone, new.language, new.tags, JSON.object(fields).text,
                new.blocked,
            ])
        try addIdentities(new.identities, to: id, in: workspace)
        let contact = try self.contact(id, in: workspace)
        var given: [String] = []
        if !new.identities.isEmpty { given.append("identities") }
        try record(
            .contactCreated, by: caller, in: workspace,
            data: Self.eventData(id, contact.changes(since: contact.emptied) + given))
        return contact
    }

    public func updateContact(
        _ id: UUID, _ patch: ContactPatch, if precondition: Precondition<Contact>? = nil, by caller: Caller,
        in workspace: UUID
    ) throws -> Contact {
        try changeContact(id, if: precondition, by: caller, in: workspace) { contact in
            contact.name = patch.name.applied(to: contact.name)
            contact.email = patch.email.applied(to: contact.email)
            contact.phone = patch.phone.applied(to: contact.phone)
            contact.language = patch.language.applied(to: contact.language)
            contact.tags = patch.tags ?? contact.tags
            contact.blocked = patch.blocked ?? contact.blocked
            try checkFields(patch.fields.filter { !$0.value.isNull }, in: workspace)
            for (name, value) in patch.fields {
                if value.isNull { contact.fields.removeValue(forKey: name) } else { contact.fields[name] = value }
            }
        }
    }

    /// The tag that is there already changes nothing.
    public func addTag(
        _ tag: String, toContact id: UUID, if precondition: Precondition<Contact>? = nil, by caller: Caller,
        in workspace: UUID
    ) throws -> Contact {
        try changeContact(id, if: precondition, by: caller, in: workspace) { contact in
            guard !contact.tags.contains(tag) else { return }
            guard contact.tags.count < maximumTags else {
                throw StoreError.invalid([
                    FieldError(
                        pointer: "/tags", code: "too-many", detail: "a contact has at most \(maximumTags) tags")
                ])
            }
            contact.tags.append(tag)
        }
    }

    /// A tag that is not there changes nothing.
    public func removeTag(
        _ tag: String, fromContact id: UUID, if precondition: Precondition<Contact>? = nil, by caller: Caller,
        in workspace: UUID
    ) throws -> Contact {
        try changeContact(id, if: precondition, by: caller, in: workspace) { contact in
            contact.tags.removeAll { $0 == tag }
        }
    }

    /// The identity that the contact has already changes nothing.
    /// - Throws: `.identityTaken` with the owner's `contact_id`.
    public func addIdentity(
        _ identity: Contact.Identity, toContact id: UUID, if precondition: Precondition<Contact>? = nil,
        by caller: Caller, in workspace: UUID
    ) throws -> Contact {
        _ = try one("contact_lock", [workspace, id], what: "contact")
        try demand(precondition, in: workspace, contact(id, in: workspace))
        try checkChannels([identity], in: workspace) { _ in "/channel_id" }
        if try addIdentities([identity], to: id, in: workspace) {
            try record(.contactUpdated, by: caller, in: workspace, data: Self.eventData(id, ["identities"]))
        }
        return try contact(id, in: workspace)
    }

    /// - Throws: `.notFound` for a contact that is not there, and for an identity that is not this contact's.
    public func removeIdentity(
        _ identity: Contact.Identity, fromContact id: UUID, if precondition: Precondition<Contact>? = nil,
        by caller: Caller, in workspace: UUID
    ) throws -> Contact {
        _ = try one("contact_lock", [workspace, id], what: "contact")
        try demand(precondition, in: workspace, contact(id, in: workspace))
        _ = try one(
            "identity_delete", [workspace, identity.channelID, identity.externalID, id], what: "identity")
        try record(.contactUpdated, by: caller, in: workspace, data: Self.eventData(id, ["identities"]))
        return try contact(id, in: workspace)
    }

    /// Closes what is open, erases every conversation, the identities and all values (S24). The row stays, empty.
    public func eraseContact(
        _ id: UUID, if precondition: Precondition<Contact>? = nil, by caller: Caller, in workspace: UUID
    ) throws {
        _ = try one("contact_lock_for_erasure", [workspace, id], what: "contact")
        try demand(precondition, in: workspace, contact(id, in: workspace))
        let conversations = try query("contact_conversations", [workspace, id]).decode("id", as: UUID.self)
        for conversation in conversations {
            try eraseConversation(conversation, by: caller, in: workspace)
            try forgetAnswers(about: conversation, in: workspace)
        }
        // What closing gathered writes the contact's row as it was; it must be written before the values go.
        try flush()
        for statement in ["contact_erase_messages", "identities_delete_of_contact", "contact_erase"] {
            try send(statement, [workspace, id])
        }
        try forgetAnswers(about: id, in: workspace)
        try record(.contactErased, by: caller, in: workspace, data: ["contact_id": .id(id)])
    }

    /// Locks, changes and writes a contact; what changed nothing is no event.
    private func changeContact(
        _ id: UUID, if precondition: Precondition<Contact>?, by caller: Caller, in workspace: UUID,
        _ change: (inout Contact) throws -> Void
    ) throws -> Contact {
        let current = try Contact(row: one("contact_lock", [workspace, id], what: "contact"))
        try demand(precondition, in: workspace, contact(id, in: workspace))
        var next = current
        try change(&next)
        let changed = next.changes(since: current)
        guard !changed.isEmpty else { return current }
        try send(
            "contact_update",
            [
                workspace, id, next.name, next.email, next.phone, next.language, next.tags,
                JSON.object(next.fields).text, next.blocked,
            ])
        try record(.contactUpdated, by: caller, in: workspace, data: Self.eventData(id, changed))
        return try contact(id, in: workspace)
    }

    private func contact(_ id: UUID, in workspace: UUID) throws -> Contact {
        try Contact(row: one("contact_get", [workspace, id], what: "contact"))
    }

    /// Keeps the channels from being deleted until the identities are written.
    private func checkChannels(
        _ identities: [Contact.Identity], in workspace: UUID, pointer: (Int) -> String
    ) throws {
        guard !identities.isEmpty else { return }
        let alive = Set(
            try query("channels_alive", [workspace, identities.map(\.channelID)]).decode("id", as: UUID.self))
        let errors = identities.enumerated().filter { !alive.contains($0.element.channelID) }.map { index, _ in
            FieldError(pointer: pointer(index), code: "unknown-reference", detail: "there is no such channel")
        }
        guard errors.isEmpty else { throw StoreError.invalid(errors) }
    }

    /// - Returns: whether any was new.
    @discardableResult
    private func addIdentities(
        _ identities: [Contact.Identity], to contact: UUID, in workspace: UUID
    ) throws -> Bool {
        guard !identities.isEmpty else { return false }
        let channels = identities.map(\.channelID)
        let externals = identities.map(\.externalID)
        let inserted = try query("identities_insert", [workspace, channels, externals, contact])
        guard inserted.count < identities.count else { return true }
        // A statement of its own: who won while the insert waited is in a newer snapshot.
        for row in try query("identities_owners", [workspace, channels, externals]) {
            let owner: UUID = try row.decode("contact_id")
            guard owner == contact else {
                throw StoreError.conflict(
                    .identityTaken, detail: "Another contact has this identity.", members: ["contact_id": .id(owner)])
            }
        }
        return !inserted.isEmpty
    }

    private static func eventData(_ contact: UUID, _ fields: [String]) -> JSON {
        ["contact_id": .id(contact), "fields": .array(fields.map { .string($0) })]
    }
}

extension Contact {
    /// The same contact before anything was known of it.
    fileprivate var emptied: Contact {
        Contact(
            id: id, name: nil, email: nil, phone: nil, language: nil, tags: [], fields: [:], blocked: false,
            identities: [], lastAssigneeID: nil, version: 0, createdAt: createdAt, updatedAt: updatedAt)
    }

    init(row: PostgresRow) throws {
        let identities = try row.decodeJSON("identities").array ?? []
        self.init(
            id: try row.decode("id"), name: try row.decode("name"), email: try row.decode("email"),
            phone: try row.decode("phone"), language: try row.decode("language"), tags: try row.decode("tags"),
            fields: try row.decodeJSON("fields").object ?? [:], blocked: try row.decode("blocked"),
            identities: identities.compactMap(Identity.init(json:)), lastAssigneeID: try row.decode("last_assignee_id"),
            version: try row.decode("version"), createdAt: try row.decode("created_at"),
            updatedAt: try row.decode("updated_at"))
    }
}

extension Contact.Identity {
    /// From `{"channel_id", "external_id"}` as the statements build it.
    fileprivate init?(json: JSON) {
        guard let channel = json["channel_id"]?.string.flatMap({ UUID(uuidString: $0) }),
            let external = json["external_id"]?.string
        else { return nil }
        self.init(channelID: channel, externalID: external)
    }
}
