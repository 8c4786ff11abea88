import Core
import Foundation

/// Cursors as text: base64url of `["<fingerprint of the filters>", key…]`. Opaque to clients, no secret: a forged one
/// can only point elsewhere in a list that its sender may read anyway.
enum CursorCode {
    static func encode(_ key: [CursorValue], filters: UInt64) -> String {
        let values: [JSON] = key.map { value in
            switch value {
            case .uuid(let id): .string(id.lowercased)
            case .instant(let date): .integer(Int64(Timestamp.microseconds(of: date)))
            case .integer(let number): .integer(Int64(number))
            case .text(let text): .string(text)
            case .null: .null
            }
        }
        return Base64URL.encode(JSON.array([.string(String(filters, radix: 16))] + values).serialized())
    }

    /// Nil for anything that was not encoded with the same filters and kinds.
    static func decode(_ text: String, filters: UInt64, kinds: [CursorKind]) -> CursorPosition? {
        guard text.utf8.count <= 2048, let bytes = Base64URL.decode(text), let json = try? JSON.parse(bytes),
            case .array(let parts) = json, parts.count == kinds.count + 1,
            parts[0].string == String(filters, radix: 16)
        else { return nil }
        var values: [CursorValue] = []
        for (part, kind) in zip(parts.dropFirst(), kinds) {
            guard let value = value(part, kind) else { return nil }
            values.append(value)
        }
        return CursorPosition(values: values)
    }

    private static func value(_ json: JSON, _ kind: CursorKind) -> CursorValue? {
        if json.isNull { return .null }
        switch kind {
        case .uuid: return json.string.flatMap { UUID(uuidString: $0) }.map { .uuid($0) }
        case .instant: return json.int.flatMap(date).map { .instant($0) }
        case .integer: return json.int.map { .integer($0) }
        case .text: return json.string.map { .text($0) }
        }
    }

    /// Within the years that PostgreSQL and RFC 3339 share.
    private static func date(microseconds: Int) -> Date? {
        (-62_135_596_800_000_000...253_402_300_799_999_999).contains(microseconds)
            ? Timestamp.date(microsecondsSince1970: microseconds) : nil
    }

    /// FNV-1a over the list and its filters, whatever their order in the URL; `limit` may change between pages.
    static func fingerprint(scope: String, query: QueryString) -> UInt64 {
        let filters = query.items.filter { $0.name != "limit" && $0.name != "cursor" }
            .map { "\($0.name)=\($0.value)" }.sorted()
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for text in [scope] + filters {
            for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            hash = hash &* 0x100_0000_01b3
        }
        return hash
    }
}
