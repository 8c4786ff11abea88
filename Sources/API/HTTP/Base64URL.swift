/// Base64 for URLs and headers (RFC 4648, 5), without padding. By hand: Foundation's, and what has to be replaced in its
/// result, took 8 % of a page of conversations.
enum Base64URL {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private static let values: [UInt8: Int] = Dictionary(
        uniqueKeysWithValues: digits.enumerated().map { ($1, $0) })

    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        var bits = 0
        var pending = 0
        for byte in bytes {
            bits = bits << 8 | Int(byte)
            pending += 8
            while pending >= 6 {
                pending -= 6
                text.append(digits[bits >> pending & 63])
            }
            bits &= 63
        }
        if pending > 0 { text.append(digits[bits << (6 - pending) & 63]) }
        return String(decoding: text, as: UTF8.self)
    }

    /// Nil for what `encode` does not write.
    static func decode(_ text: String) -> [UInt8]? {
        guard text.utf8.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        var bits = 0
        var pending = 0
        for digit in text.utf8 {
            guard let value = values[digit] else { return nil }
            bits = bits << 6 | value
            pending += 6
            if pending >= 8 {
                pending -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> pending))
            }
            bits &= 0xFF
        }
        // What is left over of the last digit is zero, so that no two texts mean the same.
        return bits & ((1 << pending) - 1) == 0 ? bytes : nil
    }
}
