import Crypto
import Foundation

/// The text that admits a caller: `{prefix}_{public id}_{secret}`. The id finds the row, the secret's SHA-256 is compared;
/// the secret itself is shown once and not kept.
struct SecretToken {
    /// Whose row the public id names.
    enum Kind: String, CaseIterable {
        case key = "sb"
        case operatorKey = "sbo"
        case channel = "sbc"
    }

    let kind: Kind
    let id: UUID
    /// 256 random bits in hexadecimal.
    private let secret: String

    /// A new secret for that id.
    init(_ kind: Kind, id: UUID) {
        self.kind = kind
        self.id = id
        secret = Self.hexadecimal(SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) })
    }

    /// Nil for anything that is no token of ours.
    init?(parsing text: String) {
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        guard text.utf8.count <= 128, parts.count == 3, let kind = Kind(rawValue: String(parts[0])),
            let id = Self.uuid(hexadecimal: parts[1]), parts[2].utf8.count == 64
        else { return nil }
        self.kind = kind
        self.id = id
        secret = String(parts[2])
    }

    var text: String { "\(kind.rawValue)_\(Self.hexadecimal(withUnsafeBytes(of: id.uuid) { Array($0) }))_\(secret)" }

    var hash: [UInt8] { Array(SHA256.hash(data: Data(secret.utf8))) }

    /// Takes the same time wherever the two differ.
    func matches(_ stored: [UInt8]) -> Bool {
        let own = hash
        guard own.count == stored.count else { return false }
        return zip(own, stored).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func uuid(hexadecimal text: Substring) -> UUID? {
        guard text.utf8.count == 32, text.utf8.allSatisfy({ $0 != UInt8(ascii: "-") }) else { return nil }
        var hyphenated = ""
        for (index, character) in text.enumerated() {
            if [8, 12, 16, 20].contains(index) { hyphenated.append("-") }
            hyphenated.append(character)
        }
        return UUID(uuidString: hyphenated)
    }
}
