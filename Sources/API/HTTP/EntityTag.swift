import Core
import Crypto
import Foundation

/// An entity tag (RFC 9110, 8.8.3): a digest of a representation's bytes, so that it changes whenever what is shown
/// changes, whoever wrote it and in whichever row it stands; but for the time of a key's last use.
struct EntityTag: Sendable, Hashable {
    /// As it stands in a header, with its quotation marks.
    let text: String

    init(of representation: [UInt8]) {
        // 128 bits: nobody meets two representations of one resource with the same tag by chance.
        text = "\"\(Base64URL.encode(SHA256.hash(data: representation).prefix(16)))\""
    }

    /// Of a resource as it is shown, without what changes while nobody changes it: else a condition on a key that is in use
    /// would fail by its being used.
    init(of resource: JSON) { self.init(of: (Self.covered(resource) ?? resource).serialized()) }

    /// Members that no tag covers, where a resource itself has them; a list covers them in its items.
    private static let uncovered = ["last_used_at"]

    /// The resource without those; nil when it has none.
    static func covered(_ resource: JSON) -> JSON? {
        guard case .object(var members) = resource, uncovered.contains(where: { members[$0] != nil }) else {
            return nil
        }
        for name in uncovered { members[name] = nil }
        return .object(members)
    }
}

/// What `If-Match` or `If-None-Match` lists.
enum EntityTagCondition: Sendable, Hashable {
    /// `*`: whatever there is.
    case any
    /// Opaque tags with their quotation marks; weak ones were written `W/"…"`.
    case tags([Listed])

    struct Listed: Sendable, Hashable {
        let isWeak: Bool
        let text: String
    }

    /// Nil when it is neither `*` nor a list of entity tags (RFC 9110, 13.1.1). Empty elements of a list are allowed
    /// (5.6.1), an empty list is not.
    init?(_ value: String) {
        var rest = Substring(value).utf8
        func skip(_ bytes: Set<UInt8>) { rest = rest.drop { bytes.contains($0) } }
        skip(Self.space)
        if rest.first == UInt8(ascii: "*") {
            rest = rest.dropFirst()
            skip(Self.space)
            guard rest.isEmpty else { return nil }
            self = .any
            return
        }
        var tags: [Listed] = []
        skip(Self.separators)
        while !rest.isEmpty {
            let isWeak = rest.starts(with: "W/".utf8)
            if isWeak { rest = rest.dropFirst(2) }
            guard rest.first == Self.quote else { return nil }
            let body = rest.dropFirst().prefix { $0 == 0x21 || (0x23...0x7E).contains($0) || $0 >= 0x80 }
            let end = body.endIndex
            guard end < rest.endIndex, rest[end] == Self.quote, let text = String(body) else { return nil }
            tags.append(Listed(isWeak: isWeak, text: "\"\(text)\""))
            rest = rest[rest.index(after: end)...]
            skip(Self.space)
            guard rest.isEmpty || rest.first == UInt8(ascii: ",") else { return nil }
            skip(Self.separators)
        }
        guard !tags.isEmpty else { return nil }
        self = .tags(tags)
    }

    /// Strong comparison: a weak tag equals nothing (RFC 9110, 8.8.3.2).
    func matchesStrongly(_ tag: EntityTag) -> Bool {
        switch self {
        case .any: true
        case .tags(let tags): tags.contains { !$0.isWeak && $0.text == tag.text }
        }
    }

    /// Weak comparison: whether a tag is weak does not matter.
    func matchesWeakly(_ tag: EntityTag) -> Bool {
        switch self {
        case .any: true
        case .tags(let tags): tags.contains { $0.text == tag.text }
        }
    }

    private static let quote = UInt8(ascii: "\"")
    private static let space: Set<UInt8> = [0x20, 0x09]
    private static let separators: Set<UInt8> = [0x20, 0x09, UInt8(ascii: ",")]
}
