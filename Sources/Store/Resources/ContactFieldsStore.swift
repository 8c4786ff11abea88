import Core
import Foundation
import OrderedCollections
import Postgres

extension Store {
    /// Fields in the order of their names.
    public func contactFields(in workspace: UUID, after: String?, limit: Int) async throws -> [ContactFieldDefinition] {
        try await all(
            "contact_fields_list", [workspace, after ?? "", limit], ContactFieldDefinition.init(row:))
    }

    public func contactField(_ name: String, in workspace: UUID) async throws -> ContactFieldDefinition {
        try await one("contact_field_get", [workspace, name], what: "contact field", ContactFieldDefinition.init(row:))
    }
}

extension StoreTransaction {
    public func createContactField(
        name: String, kind: ContactFieldDefinition.Kind, description: String?, in workspace: UUID
    ) throws -> ContactFieldDefinition {
        guard let row = try query("contact_field_insert", [workspace, name, kind.rawValue, description]).first else {
            throw StoreError.conflict(.nameTaken, detail: "Another contact field has this name.")
        }
        return try ContactFieldDefinition(row: row)
    }

    public func updateContactField(
        _ name: String, description: Patch<String>, if precondition: Precondition<ContactFieldDefinition>? = nil,
        in workspace: UUID
    ) throws -> ContactFieldDefinition {
        let current = try lockContactField(name, in: workspace)
        try demand(precondition, in: workspace, current)
        let next = description.applied(to: current.description)
        guard next != current.description else { return current }
        return try ContactFieldDefinition(
            row: one("contact_field_update", [workspace, name, next], what: "contact field"))
    }

    /// Forgets the definition. Values that contacts hold stay; writing one again defines the field anew, as text.
    public func deleteContactField(
        _ name: String, if precondition: Precondition<ContactFieldDefinition>? = nil, in workspace: UUID
    ) throws {
        let current = try lockContactField(name, in: workspace)
        try demand(precondition, in: workspace, current)
        _ = try one("contact_field_delete", [workspace, name], what: "contact field")
    }

    private func lockContactField(_ name: String, in workspace: UUID) throws -> ContactFieldDefinition {
        try ContactFieldDefinition(row: one("contact_field_lock", [workspace, name], what: "contact field"))
    }

    /// Holds the values against the fields' kinds. What nobody defined becomes a field of text (S27).
    /// - Throws: `StoreError.invalid` with a pointer `/fields/{name}` for each value that does not fit.
    func checkFields(_ values: OrderedDictionary<String, JSON>, in workspace: UUID) throws {
        let names = values.keys.sorted()
        guard !names.isEmpty else { return }
        var kinds = try fieldKinds(names, in: workspace)
        let missing = names.filter { kinds[$0] == nil }
        if !missing.isEmpty {
            try send("contact_fields_define", [workspace, missing])
            kinds.merge(try fieldKinds(missing, in: workspace)) { first, _ in first }
        }
        let errors = names.compactMap { name -> FieldError? in
            guard let value = values[name], let objection = (kinds[name] ?? .text).objection(to: value) else {
                return nil
            }
            return FieldError(
                pointer: JSONPointer.member(name, of: "/fields"), code: "wrong-type", detail: objection)
        }
        guard errors.isEmpty else { throw StoreError.invalid(errors) }
    }

    /// The kinds of those of the fields that are defined.
    func fieldKinds(_ names: [String], in workspace: UUID) throws -> [String: ContactFieldDefinition.Kind] {
        var kinds: [String: ContactFieldDefinition.Kind] = [:]
        for row in try query("contact_fields_types", [workspace, names]) {
            kinds[try row.decode("name", as: String.self)] = ContactFieldDefinition.Kind(
                rawValue: try row.decode("type"))
        }
        return kinds
    }
}

extension ContactFieldDefinition {
    init(row: PostgresRow) throws {
        self.init(
            name: try row.decode("name"), kind: Kind(rawValue: try row.decode("type")) ?? .text,
            description: try row.decode("description"), createdAt: try row.decode("created_at"),
            updatedAt: try row.decode("updated_at"))
    }
}
