import Core
import Foundation
import OrderedCollections

/// A workflow as a client writes it: name, description and definition in one object, checked as one.
public struct WorkflowDocument: Sendable {
    public var name: String
    public var description: String?
    public var definition: WorkflowDefinition

    /// Reads `{"name", "description"?, "trigger", "start", "steps"}`.
    /// - Throws: `StoreError.invalid` with everything that is wrong, except names of things that do not exist.
    public init(_ json: JSON) throws {
        let errors = FieldErrors()
        let reader = ObjectReader(json, errors: errors)
        let name = reader.string("name", length: 1...200)
        let description = reader.optionalString("description", length: 0...2_000)
        var definition: WorkflowDefinition?
        do throws(InvalidWorkflow) {
            definition = try WorkflowDefinition.parse(json, ignoring: ["name", "description"])
        } catch {
            // What is no object was refused by the reader above already.
            if json.object != nil { error.errors.forEach(errors.add) }
        }
        guard errors.isEmpty, let name, let definition else { throw StoreError.invalid(errors.list) }
        self.name = name
        self.description = description
        self.definition = definition
    }

    /// The document that a merge-patch (RFC 7396) makes of a saved one.
    /// - Throws: as `init(_:)`; pointers are those of the whole document.
    init(name: String, description: String?, definition: JSON, patch: JSON) throws {
        guard patch.object != nil else { throw StoreError.invalid([Self.noObject(patch)]) }
        let saved = JSON(
            fields: [("name", .string(name)), ("description", .text(description))]
                + ["trigger", "start", "steps"].compactMap { key in definition[key].map { (key, $0) } })
        try self.init(saved.merging(patch))
    }

    private static func noObject(_ json: JSON) -> FieldError {
        FieldError(pointer: "", code: "wrong-type", detail: "must be an object, not \(json.kindName)")
    }
}

extension JSON {
    /// This value after a merge-patch (RFC 7396): objects member by member, null removes, anything else replaces.
    func merging(_ patch: JSON) -> JSON {
        guard case .object(let changes) = patch else { return patch }
        var members = object ?? [:]
        for (name, change) in changes {
            if change.isNull {
                members.removeValue(forKey: name)
            } else {
                members[name] = (members[name] ?? .null).merging(change)
            }
        }
        return .object(members)
    }
}

extension Trigger {
    /// The channels outside of which the conditions cannot hold; nil when the channel alone says nothing.
    /// - Parameter named: the channels that the definition names by id.
    func possibleChannels(among named: [UUID]) -> [UUID]? {
        guard let condition = conditions?.condition else { return nil }
        let ids = Dictionary(named.map { (FoldedText($0.lowercased), $0) }, uniquingKeysWith: { first, _ in first })
        return Self.channels(condition, ids).map { $0.sorted { $0.lowercased < $1.lowercased } }
    }

    private static func channels(_ condition: Condition, _ ids: [FoldedText: UUID]) -> Set<UUID>? {
        switch condition {
        case .all(let conditions):
            return conditions.compactMap { channels($0, ids) }.reduce(nil) { known, next in
                known.map { $0.intersection(next) } ?? next
            }
        case .any(let conditions):
            return conditions.reduce(Optional(Set())) { known, condition in
                guard let known, let next = channels(condition, ids) else { return nil }
                return known.union(next)
            }
        case .comparison(.conversationChannel, .equals, let values),
            .comparison(.conversationChannel, .matchesAny, let values):
            let channels = values.compactMap { ids[$0] }
            // A value that is no id is a channel's name, which may change.
            return channels.count == values.count ? Set(channels) : nil
        case .not, .comparison: return nil
        }
    }
}
