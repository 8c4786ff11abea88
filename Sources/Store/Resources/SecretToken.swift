import Crypto
import Foundation
import TextForms

/// The text that admits a caller: `{prefix}_{public id}_{secret}`. The id finds the row, the secret's SHA-256 is compared;
/// the secret itself is shown once and not kept.
struct SecretToken {
    /// Whose row the public id names.
    enum Kind: String, CaseIterable {
        case key = "sb"
        case operatorKey = "sbo"
        case channel = "sbc"
    }

    /// What of it is no secret, and finds the row.
    struct Name: Hashable, Sendable {
        let kind: Kind
        let id: UUID
    }

    let kind: Kind
    let id: UUID
    /// 256 random bits in hexadecimal.
    private let secret: String

    /// A new secret for that id.
    init(_ kind: Kind, id: UUID) {
        self.kind = kind
        self.id = id
        secret = SymmetricKey(size: .bits256).withUnsafeBytes { Hexadecimal.text($0) }
    }

    /// Nil for anything that is no token of ours.
    init?(parsing text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
        guard text.utf8.count <= 128, parts.count == 3, let kind = String(parts[0]).flatMap(Kind.init(rawValue:)),
            let id = Self.uuid(hexadecimal: parts[1]), parts[2].count == 64, let secret = String(parts[2])
        else { return nil }
        self.kind = kind
        self.id = id
        self.secret = secret
    }

    var name: Name { Name(kind: kind, id: id) }

    var text: String { "\(kind.rawValue)_\(withUnsafeBytes(of: id.uuid) { Hexadecimal.text($0) })_\(secret)" }

    var hash: [UInt8] { Array(SHA256.hash(data: Data(secret.utf8))) }

    /// Takes the same time wherever the two differ.
    func matches(_ stored: [UInt8]) -> Bool {
        let own = hash
        guard own.count == stored.count else { return false }
        return zip(own, stored).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func uuid(hexadecimal text: Substring.UTF8View) -> UUID? {
        guard text.count == 32 else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for byte in text {
            guard let digit = Hexadecimal.value(byte) else { return nil }
            high = high << 4 | low >> 60
            low = low << 4 | UInt64(digit)
        }
        return withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { UUID(uuid: $0.load(as: uuid_t.self)) }
    }
}
