/// Why bytes are not the one strict JSON value that was asked for, and where.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong.
    public enum Reason: String, Sendable, Hashable {
        case empty = "there is no JSON value"
        case unexpectedEnd = "the text ends inside a JSON value"
        case unexpectedByte = "this byte cannot stand here"
        case trailingBytes = "something follows the JSON value"
        case tooDeep = "arrays and objects are nested too deeply"
        case duplicateKey = "this key occurs twice in its object"
        case invalidUTF8 = "these bytes are not valid UTF-8"
        case nulCharacter = "the character NUL is not accepted"
        case controlCharacter = "a control character must be escaped"
        case invalidEscape = "this escape is not known"
        case loneSurrogate = "this \\u escape is half of a surrogate pair"
        case invalidNumber = "this is not a JSON number"
        case numberTooLong = "this number has more than 400 characters"
        case numberOutOfRange = "this number is too large"
    }

    /// What is wrong.
    public let reason: Reason
    /// Bytes before the offending one.
    public let offset: Int
    /// Line of the offending byte, from 1.
    public let line: Int
    /// Column of the offending byte in its line, in bytes from 1.
    public let column: Int

    init(_ reason: Reason, at offset: Int, in bytes: UnsafeBufferPointer<UInt8>) {
        self.reason = reason
        self.offset = offset
        var line = 1
        var lineStart = 0
        for index in 0..<min(offset, bytes.count) where bytes[index] == UInt8(ascii: "\n") {
            line += 1
            lineStart = index + 1
        }
        self.line = line
        self.column = offset - lineStart + 1
    }

    public var description: String { "\(reason.rawValue) (line \(line), column \(column))" }
}
