/// Text as a JSON string (RFC 8259 §7): only what must be escaped is, by the short form where there is one.
public enum JSONString {
    /// Appends the text with its quotation marks.
    public static func append(_ text: String, to bytes: inout [UInt8]) {
        let wasContiguous: Void? = text.utf8.withContiguousStorageIfAvailable { append(utf8: $0, to: &bytes) }
        if wasContiguous == nil { Array(text.utf8).withUnsafeBufferPointer { append(utf8: $0, to: &bytes) } }
    }

    /// The same for text that is at hand as valid UTF-8.
    public static func append(utf8 text: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        var plainStart = 0
        for index in 0..<text.count {
            let byte = text[index]
            if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { continue }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[plainStart..<index]))
            plainStart = index + 1
            bytes.append(UInt8(ascii: "\\"))
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
            case 0x08: bytes.append(UInt8(ascii: "b"))
            case 0x09: bytes.append(UInt8(ascii: "t"))
            case 0x0A: bytes.append(UInt8(ascii: "n"))
            case 0x0C: bytes.append(UInt8(ascii: "f"))
            case 0x0D: bytes.append(UInt8(ascii: "r"))
            default:
                bytes.append(contentsOf: "u00".utf8)
                Hexadecimal.append(CollectionOfOne(byte), to: &bytes)
            }
        }
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[plainStart...]))
        bytes.append(UInt8(ascii: "\""))
    }
}
