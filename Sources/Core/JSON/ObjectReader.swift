import Foundation
import OrderedCollections

/// What a merge-patch (RFC 7396) says about one field.
public enum Patch<Value> {
    /// Not mentioned: stays as it is.
    case absent
    /// `null`: goes away.
    case null
    /// Becomes this.
    case value(Value)

    /// The field after the patch.
    public func applied(to current: Value?) -> Value? {
        switch self {
        case .absent: current
        case .null: nil
        case .value(let value): value
        }
    }

    /// Whether the patch says anything.
    public var isPresent: Bool {
        if case .absent = self { return false }
        return true
    }
}

extension Patch: Sendable where Value: Sendable {}
extension Patch: Equatable where Value: Equatable {}

/// Reads one JSON object field by field and collects every mistake with its JSON pointer instead of stopping at the
/// first. Ask for each field the object may have, then call `finish()`, which refuses every field nobody asked for.
///
/// A nil from a required field means that a mistake was added; look at `errors.isEmpty` once, at the end.
public final class ObjectReader {
    /// Where mistakes go; shared by all readers of one document.
    public let errors: FieldErrors
    /// JSON pointer of the object.
    public let pointer: String
    private let members: OrderedDictionary<String, JSON>
    private var known: Set<String> = []
    private var knownInOrder: [String] = []
    /// False when the value was no object: that was said, and missing fields are not worth saying.
    private let isObject: Bool

    /// Begins reading; a value that is no object is a mistake.
    public init(_ value: JSON, pointer: String = "", errors: FieldErrors) {
        self.errors = errors
        self.pointer = pointer
        if case .object(let members) = value {
            self.members = members
            self.isObject = true
        } else {
            self.members = [:]
            self.isObject = false
            errors.add(pointer, "wrong-type", "must be an object, not \(value.kindName)")
        }
    }

    /// The field's JSON pointer.
    public func pointer(to name: String) -> String { JSONPointer.member(name, of: pointer) }

    /// The field as it stands, null included; nil when absent. Counts as asked for.
    public func raw(_ name: String) -> JSON? {
        if known.insert(name).inserted { knownInOrder.append(name) }
        return members[name]
    }

    /// Whether the field is there, null included. Does not count as asked for.
    public func has(_ name: String) -> Bool { members[name] != nil }

    /// Adds a mistake about a field.
    public func fail(_ name: String, _ code: String, _ detail: String) {
        errors.add(pointer(to: name), code, detail)
    }

    /// A field that must be there and must not be null.
    public func required<Value>(_ name: String, _ type: FieldType<Value>) -> Value? {
        guard let value = raw(name) else {
            if isObject { fail(name, "missing", "is required") }
            return nil
        }
        return type.read(value, pointer(to: name), errors)
    }

    /// A field that may be absent or null.
    public func optional<Value>(_ name: String, _ type: FieldType<Value>) -> Value? {
        guard let value = raw(name), value != .null else { return nil }
        return type.read(value, pointer(to: name), errors)
    }

    /// A field of a merge-patch. A value that does not fit is a mistake and reads as absent.
    public func patch<Value>(_ name: String, _ type: FieldType<Value>) -> Patch<Value> {
        guard let value = raw(name) else { return .absent }
        if value == .null { return .null }
        guard let read = type.read(value, pointer(to: name), errors) else { return .absent }
        return .value(read)
    }

    /// A field of a merge-patch that cannot be removed: null is a mistake.
    public func patchRequired<Value>(_ name: String, _ type: FieldType<Value>) -> Value? {
        guard let value = raw(name) else { return nil }
        return type.read(value, pointer(to: name), errors)
    }

    /// A reader for the object in a required field; nil when it is missing or no object.
    public func object(_ name: String) -> ObjectReader? {
        guard let value = raw(name) else {
            if isObject { fail(name, "missing", "is required") }
            return nil
        }
        let reader = ObjectReader(value, pointer: pointer(to: name), errors: errors)
        return reader.isObject ? reader : nil
    }

    /// A reader for the object in a field that may be absent or null.
    public func optionalObject(_ name: String) -> ObjectReader? {
        guard let value = raw(name), value != .null else { return nil }
        let reader = ObjectReader(value, pointer: pointer(to: name), errors: errors)
        return reader.isObject ? reader : nil
    }

    /// Every member with its pointer, for objects whose names are data (`fields`). All count as asked for.
    public func everyMember() -> [(name: String, value: JSON, pointer: String)] {
        members.elements.map { name, value in
            _ = raw(name)
            return (name, value, pointer(to: name))
        }
    }

    /// Refuses by name every field that was not asked for.
    public func finish() {
        for name in members.keys where !known.contains(name) {
            guard !errors.isFull else { return }
            let allowed = knownInOrder.isEmpty ? "none" : knownInOrder.joined(separator: ", ")
            fail(name, "unknown-field", "is not known here; known are: \(allowed)")
        }
    }
}

extension ObjectReader {
    /// Required text, counted in Unicode scalars.
    public func string(_ name: String, length: ClosedRange<Int> = 1...10_000) -> String? {
        required(name, .string(length: length))
    }

    /// Text that may be absent or null, counted in Unicode scalars.
    public func optionalString(_ name: String, length: ClosedRange<Int> = 0...10_000) -> String? {
        optional(name, .string(length: length))
    }

    /// A required whole number.
    public func int(_ name: String, range: ClosedRange<Int>) -> Int? { required(name, .int(range: range)) }

    /// A whole number that may be absent or null.
    public func optionalInt(_ name: String, range: ClosedRange<Int>) -> Int? { optional(name, .int(range: range)) }

    /// A required `true` or `false`.
    public func bool(_ name: String) -> Bool? { required(name, .bool) }

    /// `true` or `false`; the given one when absent or null.
    public func bool(_ name: String, default value: Bool) -> Bool { optional(name, .bool) ?? value }

    /// A required UUID.
    public func uuid(_ name: String) -> UUID? { required(name, .uuid) }

    /// A UUID that may be absent or null.
    public func optionalUUID(_ name: String) -> UUID? { optional(name, .uuid) }

    /// A required RFC 3339 instant.
    public func instant(_ name: String) -> Date? { required(name, .instant) }

    /// An RFC 3339 instant that may be absent or null.
    public func optionalInstant(_ name: String) -> Date? { optional(name, .instant) }

    /// A required ISO 8601 duration, in seconds.
    public func duration(_ name: String, range: ClosedRange<TimeInterval>) -> TimeInterval? {
        required(name, .duration(range: range))
    }

    /// An ISO 8601 duration that may be absent or null, in seconds.
    public func optionalDuration(_ name: String, range: ClosedRange<TimeInterval>) -> TimeInterval? {
        optional(name, .duration(range: range))
    }

    /// A required one of an enumeration's raw values.
    public func enumeration<Choice: RawRepresentable & CaseIterable & Sendable>(_ name: String, _ type: Choice.Type)
        -> Choice?
    where Choice.RawValue == String { required(name, .enumeration(type)) }

    /// One of an enumeration's raw values, which may be absent or null.
    public func optionalEnumeration<Choice: RawRepresentable & CaseIterable & Sendable>(
        _ name: String, _ type: Choice.Type
    ) -> Choice? where Choice.RawValue == String { optional(name, .enumeration(type)) }

    /// A required array.
    public func array<Element>(
        _ name: String, of element: FieldType<Element>, count: ClosedRange<Int> = 0...1_000
    ) -> [Element]? { required(name, .array(of: element, count: count)) }

    /// An array that may be absent or null.
    public func optionalArray<Element>(
        _ name: String, of element: FieldType<Element>, count: ClosedRange<Int> = 0...1_000
    ) -> [Element]? { optional(name, .array(of: element, count: count)) }
}
