import Core
import Foundation

/// One page of a list, by position and not by number: stable while rows are inserted and deleted elsewhere.
public struct Page: Sendable, Hashable {
    /// Rows a page may have.
    public static let limits = 1...200
    /// Rows a page has when nobody says.
    public static let defaultLimit = 50

    /// Rows wanted.
    public let limit: Int
    /// The last row of the page before; nil for the first page.
    public let after: CursorPosition?
    let filters: UInt64

    /// Rows to fetch: one more than wanted tells whether another page follows.
    public var fetchLimit: Int { limit + 1 }

    /// The answer: `{"items": […], "next_cursor": …}`.
    /// - Parameters:
    ///   - rows: up to `fetchLimit` rows after `after`, in the list's order.
    ///   - item: a row as JSON.
    ///   - key: a row's sort key, ending in something unique, of the kinds given to `QueryReader.page`.
    public func response<Rows: Collection>(
        _ rows: Rows, item: (Rows.Element) throws -> JSON, key: (Rows.Element) throws -> [CursorValue]
    ) rethrows -> APIResponse {
        let shown = rows.prefix(limit)
        var items: [JSON] = []
        items.reserveCapacity(shown.count)
        var last: Rows.Element?
        for row in shown {
            items.append(try item(row))
            last = row
        }
        var next = JSON.null
        if rows.count > limit, let last { next = .string(CursorCode.encode(try key(last), filters: filters)) }
        return .ok(["items": .array(items), "next_cursor": next])
    }
}

/// One value of a sort key.
public enum CursorValue: Sendable, Hashable {
    case uuid(UUID)
    case instant(Date)
    case integer(Int)
    case text(String)
    /// No value, where the column may be null; fits every kind.
    case null
}

/// What a value of a sort key is.
public enum CursorKind: Sendable, Hashable {
    case uuid, instant, integer, text
}

/// The place in a list where the page before ended.
public struct CursorPosition: Sendable, Hashable {
    /// As many, and of the kinds, that the list was declared with.
    public let values: [CursorValue]

    /// The id at that index; nil when it is null.
    public func uuid(_ index: Int) -> UUID? {
        if case .uuid(let value) = value(index) { return value }
        return nil
    }

    /// The instant at that index, to the microsecond; nil when it is null.
    public func instant(_ index: Int) -> Date? {
        if case .instant(let value) = value(index) { return value }
        return nil
    }

    /// The whole number at that index; nil when it is null.
    public func integer(_ index: Int) -> Int? {
        if case .integer(let value) = value(index) { return value }
        return nil
    }

    /// The text at that index; nil when it is null.
    public func text(_ index: Int) -> String? {
        if case .text(let value) = value(index) { return value }
        return nil
    }

    private func value(_ index: Int) -> CursorValue? { values.indices.contains(index) ? values[index] : nil }
}
