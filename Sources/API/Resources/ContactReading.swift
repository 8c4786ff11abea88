import Core
import Foundation
import OrderedCollections
import Store

extension NewContact {
    /// From the body of a creation.
    init(_ reader: ObjectReader) {
        self.init()
        name = reader.optional("name", .name)
        email = reader.optional("email", .email)
        phone = reader.optional("phone", .phone)
        language = reader.optional("language", .language)
        tags = reader.optional("tags", .tags) ?? []
        fields = reader.fieldValues()
        blocked = reader.bool("blocked", default: false)
        identities = reader.optionalArray("identities", of: .identity, count: 0...20) ?? []
    }
}

extension ContactPatch {
    /// From the body of a merge-patch.
    init(_ reader: ObjectReader) {
        self.init()
        name = reader.patch("name", .name)
        email = reader.patch("email", .email)
        phone = reader.patch("phone", .phone)
        language = reader.patch("language", .language)
        switch reader.patch("tags", .tags) {
        case .absent: tags = nil
        case .null: tags = []
        case .value(let value): tags = value
        }
        fields = reader.fieldValues()
        blocked = reader.patchRequired("blocked", .bool)
    }
}

extension Contact.Identity {
    /// Nil when something is missing or wrong; the reader knows what.
    init?(_ reader: ObjectReader) {
        let channel = reader.uuid("channel_id")
        let external = reader.required("external_id", .externalID)
        guard let channel, let external else { return nil }
        self.init(channelID: channel, externalID: external)
    }
}

extension ObjectReader {
    /// The member `fields`: names are checked here, values against their fields by the store, which knows them.
    fileprivate func fieldValues() -> OrderedDictionary<String, JSON> {
        guard let object = optionalObject("fields") else { return [:] }
        var values: OrderedDictionary<String, JSON> = [:]
        for (name, value, pointer) in object.everyMember() {
            if FieldType.fieldName.read(.string(name), pointer, errors) != nil { values[name] = value }
        }
        if values.count > 200 { fail("fields", "too-many", "must have at most 200 members, has \(values.count)") }
        return values
    }
}

extension FieldType where Value == String {
    /// How a channel knows a contact.
    static var externalID: FieldType { .string(length: 1...255) }
}

extension FieldType where Value == [String] {
    /// Different tags.
    static var tags: FieldType {
        FieldType { value, pointer, errors in
            guard let tags = FieldType.array(of: .tag, count: 0...maximumTags).read(value, pointer, errors) else {
                return nil
            }
            var seen: Set<String> = []
            for (index, tag) in tags.enumerated() where !seen.insert(tag).inserted {
                errors.add(JSONPointer.element(index, of: pointer), "duplicate", "stands there twice")
                return nil
            }
            return tags
        }
    }
}

extension FieldType where Value == Contact.Identity {
    /// `{"channel_id", "external_id"}`.
    static var identity: FieldType {
        FieldType { value, pointer, errors in
            let reader = ObjectReader(value, pointer: pointer, errors: errors)
            let identity = Contact.Identity(reader)
            reader.finish()
            return identity
        }
    }
}
