import Core
import Foundation

/// Reads query parameters one by one and collects every mistake. Made by `APIRequest.query`.
///
/// A nil from a required parameter means that a mistake was added; it is thrown when the reading ends.
public final class QueryReader {
    private let values: [String: [String]]
    private var items: [ProblemItem] = []
    private let filters: UInt64
    private var cursorIsBad = false

    init(_ query: QueryString, known: Set<String>, scope: String) {
        values = Dictionary(grouping: query.items, by: \.name).mapValues { $0.map(\.value) }
        filters = CursorCode.fingerprint(scope: scope, query: query)
        items = Self.unknown(query, known: known)
    }

    /// One mistake for each name that is not known.
    static func unknown(_ query: QueryString, known: Set<String>) -> [ProblemItem] {
        var seen: Set<String> = []
        return query.items.compactMap { item in
            guard !known.contains(item.name), seen.insert(item.name).inserted else { return nil }
            let allowed = known.isEmpty ? "none" : known.sorted().joined(separator: ", ")
            return ProblemItem(
                .parameter(item.name), code: "unknown-parameter", detail: "is not known here; known are: \(allowed)")
        }
    }

    /// Adds a mistake about a parameter.
    public func fail(_ name: String, _ code: String, _ detail: String) {
        items.append(ProblemItem(.parameter(name), code: code, detail: detail))
    }

    /// Whether the parameter is there.
    public func has(_ name: String) -> Bool { values[name] != nil }

    /// A parameter that may be absent, read by the rules of a JSON string.
    public func optional<Value>(_ name: String, _ type: FieldType<Value>) -> Value? {
        guard let text = single(name) else { return nil }
        return read(name, .string(text), type)
    }

    /// A parameter that must be there, read by the rules of a JSON string.
    public func required<Value>(_ name: String, _ type: FieldType<Value>) -> Value? {
        guard has(name) else {
            fail(name, "missing", "is required")
            return nil
        }
        return optional(name, type)
    }

    /// A parameter that may be given several times: all of its values.
    public func all<Value>(_ name: String, _ type: FieldType<Value>) -> [Value] {
        (values[name] ?? []).compactMap { read(name, .string($0), type) }
    }

    /// Text that may be absent, counted in Unicode scalars.
    public func optionalString(_ name: String, length: ClosedRange<Int> = 1...200) -> String? {
        optional(name, .string(length: length))
    }

    /// A UUID that may be absent.
    public func optionalUUID(_ name: String) -> UUID? { optional(name, .uuid) }

    /// An RFC 3339 instant that may be absent.
    public func optionalInstant(_ name: String) -> Date? { optional(name, .instant) }

    /// One of an enumeration's raw values, which may be absent.
    public func optionalEnumeration<Choice: RawRepresentable & CaseIterable & Sendable>(
        _ name: String, _ type: Choice.Type
    ) -> Choice? where Choice.RawValue == String { optional(name, .enumeration(type)) }

    /// A whole number that may be absent.
    public func optionalInt(_ name: String, range: ClosedRange<Int>) -> Int? {
        guard let text = single(name) else { return nil }
        guard let number = Int64(text) else {
            fail(name, "wrong-type", "must be a whole number")
            return nil
        }
        return read(name, .integer(number), .int(range: range))
    }

    /// `true` or `false`, which may be absent.
    public func optionalBool(_ name: String) -> Bool? {
        guard let text = single(name) else { return nil }
        switch text {
        case "true": return true
        case "false": return false
        default:
            fail(name, "wrong-type", "must be true or false")
            return nil
        }
    }

    /// The page that `limit` (1 to 200, default 50) and `cursor` ask for.
    /// - Parameter key: kinds of the sort key's values, in their order; a cursor of another shape is refused.
    public func page(key: CursorKind...) -> Page {
        let limit = optionalInt("limit", range: Page.limits) ?? Page.defaultLimit
        guard let text = single("cursor") else { return Page(limit: limit, after: nil, filters: filters) }
        let position = CursorCode.decode(text, filters: filters, kinds: key)
        if position == nil { cursorIsBad = true }
        return Page(limit: limit, after: position, filters: filters)
    }

    func finish() throws(Problem) {
        guard items.isEmpty else {
            throw Problem(.badQuery, detail: "Query parameters are wrong.", errors: items)
        }
        guard !cursorIsBad else { throw .badCursor() }
    }

    private func single(_ name: String) -> String? {
        guard let texts = values[name] else { return nil }
        guard texts.count == 1 else {
            fail(name, "repeated", "may be given only once")
            return nil
        }
        return texts[0]
    }

    private func read<Value>(_ name: String, _ value: JSON, _ type: FieldType<Value>) -> Value? {
        let errors = FieldErrors()
        let result = type.read(value, "", errors)
        items += errors.list.map { ProblemItem(.parameter(name), code: $0.code, detail: $0.detail) }
        return result
    }
}
