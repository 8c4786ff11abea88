import Foundation
import TextForms

/// A UUID's 36 characters, to and from, without Foundation's string parsing.
enum UUIDText {
    /// Which of the 16 bytes have a hyphen before them.
    private static func hasHyphen(before index: Int) -> Bool { index == 4 || index == 6 || index == 8 || index == 10 }

    static func append(_ value: UUID, to text: inout [UInt8]) {
        withUnsafeBytes(of: value.uuid) { bytes in
            for index in 0..<16 {
                if hasHyphen(before: index) { text.append(UInt8(ascii: "-")) }
                text.append(Hexadecimal.digit(bytes[index] >> 4))
                text.append(Hexadecimal.digit(bytes[index] & 0xF))
            }
        }
    }

    static func parse(_ text: Span<UInt8>) -> UUID? {
        guard text.count == 36 else { return nil }
        var value: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        var position = 0
        var isValid = true
        withUnsafeMutableBytes(of: &value) { bytes in
            for index in 0..<16 {
                if hasHyphen(before: index) {
                    isValid = isValid && text[position] == UInt8(ascii: "-")
                    position += 1
                }
                guard let high = Hexadecimal.value(text[position]), let low = Hexadecimal.value(text[position + 1])
                else {
                    isValid = false
                    return
                }
                bytes[index] = high << 4 | low
                position += 2
            }
        }
        return isValid ? UUID(uuid: value) : nil
    }
}
