import Foundation

/// Something that may be known of a contact beyond the built-in values.
public struct ContactFieldDefinition: Sendable, Hashable {
    /// What its values are.
    public enum Kind: String, Sendable, CaseIterable {
        case text, number, boolean, date, list
    }

    public let name: String
    public let kind: Kind
    public var description: String?
    public let createdAt: Date
    public let updatedAt: Date

    public init(name: String, kind: Kind, description: String?, createdAt: Date, updatedAt: Date) {
        self.name = name
        self.kind = kind
        self.description = description
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    /// Unicode scalars that a text, and each element of a list, may have.
    public static let maximumTextLength = 10_000
    /// Elements that a list may have.
    public static let maximumListCount = 100

    /// Whether a workspace may define or write a field of that name: none that is built in (S27).
    public static func isName(_ name: String) -> Bool {
        ContactField.isName(name) && !ContactField.standard.contains(name) && !ContactField.reserved.contains(name)
    }
}

extension ContactFieldDefinition.Kind {
    /// Why the value is none of this kind; nil when it is one.
    public func objection(to value: JSON) -> String? {
        switch self {
        case .text:
            guard let text = value.string else { return "must be a string, not \(value.kindName)" }
            return Self.objection(toText: text)
        case .number: return value.double == nil ? "must be a number, not \(value.kindName)" : nil
        case .boolean: return value.bool == nil ? "must be true or false, not \(value.kindName)" : nil
        case .date:
            guard let text = value.string, LocalDay(text) != nil else { return "must be a date such as \"2026-11-22\"" }
            return nil
        case .list:
            guard let elements = value.array else { return "must be an array of strings, not \(value.kindName)" }
            guard elements.count <= ContactFieldDefinition.maximumListCount else {
                return "must have at most \(ContactFieldDefinition.maximumListCount) elements, has \(elements.count)"
            }
            for element in elements {
                guard let text = element.string else { return "must be an array of strings" }
                if let objection = Self.objection(toText: text) { return "an element \(objection)" }
            }
            return nil
        }
    }

    /// The value as this kind has it, read from the text that a step wrote: `"5"` is 5 for a number, `"yes"` nothing for a
    /// boolean.
    /// - Returns: nil when the text says no such value.
    public func value(from written: JSON) -> JSON? {
        if objection(to: written) == nil { return written }
        guard let text = written.string?.trimmingCharacters(in: .whitespacesAndNewlines) else { return nil }
        let value: JSON? =
            switch self {
            case .text: nil
            case .number: Int64(text).map { .integer($0) } ?? Double(text).flatMap { $0.isFinite ? .number($0) : nil }
            case .boolean: ["true": true, "false": false][text.lowercased()].map { .bool($0) }
            case .date: nil
            case .list: .array([.string(text)])
            }
        return value.flatMap { objection(to: $0) == nil ? $0 : nil }
    }

    private static func objection(toText text: String) -> String? {
        let count = text.unicodeScalars.count
        return count > ContactFieldDefinition.maximumTextLength
            ? "must have at most \(ContactFieldDefinition.maximumTextLength) characters, has \(count)" : nil
    }
}
