import OrderedCollections
import TextForms

extension JSON {
    /// Reads exactly one JSON value (RFC 8259), refusing what implementations disagree about: duplicate keys, invalid
    /// UTF-8, a byte order mark, NUL (also as `\u0000`), halves of surrogate pairs, numbers beyond a double's range.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8 text; white space around the value is allowed.
    ///   - maximumDepth: how many arrays and objects may stand inside each other.
    /// - Throws: `JSONError` with the position of the first offence.
    public static func parse(_ bytes: some Collection<UInt8>, maximumDepth: Int = 64) throws(JSONError) -> JSON {
        let contiguous = bytes.withContiguousStorageIfAvailable { parse($0, maximumDepth) }
        return try (contiguous ?? Array(bytes).withUnsafeBufferPointer { parse($0, maximumDepth) }).get()
    }

    /// Reads exactly one JSON value from text.
    public static func parse(_ text: String, maximumDepth: Int = 64) throws(JSONError) -> JSON {
        try parse(text.utf8, maximumDepth: maximumDepth)
    }

    private static func parse(_ bytes: UnsafeBufferPointer<UInt8>, _ maximumDepth: Int) -> Result<JSON, JSONError> {
        var parser = JSONParser(bytes: bytes, maximumDepth: maximumDepth)
        do throws(JSONError) {
            return .success(try parser.document())
        } catch {
            return .failure(error)
        }
    }
}

/// A recursive descent over the bytes; `maximumDepth` bounds the recursion.
private struct JSONParser {
    let bytes: UnsafeBufferPointer<UInt8>
    let maximumDepth: Int
    var index = 0
    var depth = 0

    init(bytes: UnsafeBufferPointer<UInt8>, maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    mutating func document() throws(JSONError) -> JSON {
        skipWhiteSpace()
        guard index < bytes.count else { throw failure(.empty) }
        let value = try self.value()
        skipWhiteSpace()
        guard index == bytes.count else { throw failure(.trailingBytes) }
        return value
    }

    private func failure(_ reason: JSONError.Reason, at offset: Int? = nil) -> JSONError {
        JSONError(reason, at: offset ?? index, in: bytes)
    }

    /// What to say about the byte here when another was needed.
    private func unexpected() -> JSONError {
        guard index < bytes.count else { return failure(.unexpectedEnd) }
        return failure(bytes[index] == 0 ? .nulCharacter : .unexpectedByte)
    }

    @inline(__always) private mutating func skipWhiteSpace() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x0A, 0x0D, 0x09: index += 1
            default: return
            }
        }
    }

    private mutating func value() throws(JSONError) -> JSON {
        guard index < bytes.count else { throw failure(.unexpectedEnd) }
        switch bytes[index] {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw unexpected()
        }
    }

    private mutating func literal(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        for position in 0..<word.utf8CodeUnitCount {
            guard index < bytes.count, bytes[index] == word.utf8Start[position] else { throw unexpected() }
            index += 1
        }
        return value
    }

    private mutating func object() throws(JSONError) -> JSON {
        try descend()
        var members = OrderedDictionary<String, JSON>()
        skipWhiteSpace()
        if index < bytes.count, bytes[index] == UInt8(ascii: "}") {
            index += 1
            depth -= 1
            return .object(members)
        }
        while true {
            skipWhiteSpace()
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { throw unexpected() }
            let keyOffset = index
            let key = try string()
            skipWhiteSpace()
            guard index < bytes.count, bytes[index] == UInt8(ascii: ":") else { throw unexpected() }
            index += 1
            skipWhiteSpace()
            guard members.updateValue(try value(), forKey: key) == nil else {
                throw failure(.duplicateKey, at: keyOffset)
            }
            skipWhiteSpace()
            guard index < bytes.count else { throw failure(.unexpectedEnd) }
            switch bytes[index] {
            case UInt8(ascii: ","): index += 1
            case UInt8(ascii: "}"):
                index += 1
                depth -= 1
                return .object(members)
            default: throw unexpected()
            }
        }
    }

    private mutating func array() throws(JSONError) -> JSON {
        try descend()
        var elements: [JSON] = []
        skipWhiteSpace()
        if index < bytes.count, bytes[index] == UInt8(ascii: "]") {
            index += 1
            depth -= 1
            return .array(elements)
        }
        while true {
            skipWhiteSpace()
            elements.append(try value())
            skipWhiteSpace()
            guard index < bytes.count else { throw failure(.unexpectedEnd) }
            switch bytes[index] {
            case UInt8(ascii: ","): index += 1
            case UInt8(ascii: "]"):
                index += 1
                depth -= 1
                return .array(elements)
            default: throw unexpected()
            }
        }
    }

    /// Steps over the opening bracket of an array or object.
    private mutating func descend() throws(JSONError) {
        guard depth < maximumDepth else { throw failure(.tooDeep) }
        depth += 1
        index += 1
    }

    // MARK: Strings

    private mutating func string() throws(JSONError) -> String {
        index += 1
        let start = index
        var allASCII = true
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                let text = try decode(bytes[start..<index], allASCII: allASCII, start: start)
                index += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try stringWithEscapes(from: start) }
            guard byte >= 0x20 else { throw failure(byte == 0 ? .nulCharacter : .controlCharacter) }
            if byte >= 0x80 { allASCII = false }
            index += 1
        }
        throw failure(.unexpectedEnd)
    }

    private func decode(
        _ slice: Slice<UnsafeBufferPointer<UInt8>>, allASCII: Bool, start: Int
    ) throws(JSONError) -> String {
        let buffer = UnsafeBufferPointer(rebasing: slice)
        if allASCII { return String(decoding: buffer, as: UTF8.self) }
        guard let text = String(validating: buffer, as: UTF8.self) else {
            throw failure(.invalidUTF8, at: start + validUTF8Prefix(buffer))
        }
        return text
    }

    /// The rest of a string that has at least one escape; `start` is the first byte after the quotation mark.
    private mutating func stringWithEscapes(from start: Int) throws(JSONError) -> String {
        var unescaped: [UInt8] = []
        var plainStart = start
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""):
                try append(plainStart..<index, to: &unescaped)
                index += 1
                return String(decoding: unescaped, as: UTF8.self)
            case UInt8(ascii: "\\"):
                try append(plainStart..<index, to: &unescaped)
                try escape(into: &unescaped)
                plainStart = index
            case 0: throw failure(.nulCharacter)
            case 1..<0x20: throw failure(.controlCharacter)
            default: index += 1
            }
        }
        throw failure(.unexpectedEnd)
    }

    private func append(_ range: Range<Int>, to unescaped: inout [UInt8]) throws(JSONError) {
        let part = UnsafeBufferPointer(rebasing: bytes[range])
        let valid = validUTF8Prefix(part)
        guard valid == part.count else { throw failure(.invalidUTF8, at: range.lowerBound + valid) }
        unescaped.append(contentsOf: part)
    }

    private mutating func escape(into unescaped: inout [UInt8]) throws(JSONError) {
        let escapeOffset = index
        index += 1
        guard index < bytes.count else { throw failure(.unexpectedEnd) }
        let kind = bytes[index]
        index += 1
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(kind)
        case UInt8(ascii: "b"): unescaped.append(0x08)
        case UInt8(ascii: "f"): unescaped.append(0x0C)
        case UInt8(ascii: "n"): unescaped.append(0x0A)
        case UInt8(ascii: "r"): unescaped.append(0x0D)
        case UInt8(ascii: "t"): unescaped.append(0x09)
        case UInt8(ascii: "u"):
            var value = try hexadecimal()
            if (0xD800..<0xDC00).contains(value) {
                guard index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u")
                else { throw failure(.loneSurrogate, at: escapeOffset) }
                index += 2
                let low = try hexadecimal()
                guard (0xDC00..<0xE000).contains(low) else { throw failure(.loneSurrogate, at: escapeOffset) }
                value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
            }
            guard value != 0 else { throw failure(.nulCharacter, at: escapeOffset) }
            guard let scalar = Unicode.Scalar(value) else { throw failure(.loneSurrogate, at: escapeOffset) }
            unescaped.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
        default: throw failure(.invalidEscape, at: escapeOffset)
        }
    }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard index < bytes.count else { throw failure(.unexpectedEnd) }
            guard let digit = Hexadecimal.value(bytes[index]) else { throw failure(.invalidEscape) }
            value = value << 4 | UInt32(digit)
            index += 1
        }
        return value
    }

    // MARK: Numbers

    private mutating func number() throws(JSONError) -> JSON {
        let start = index
        let negative = bytes[index] == UInt8(ascii: "-")
        if negative { index += 1 }
        let firstDigit = index
        // Accumulated as a negative value, because Int64.min has no positive counterpart.
        var integer: Int64? = 0
        while let digit = digit() {
            if let value = integer {
                let (product, overflow) = value.multipliedReportingOverflow(by: 10)
                let (difference, underflow) = product.subtractingReportingOverflow(Int64(digit))
                integer = overflow || underflow ? nil : difference
            }
            index += 1
        }
        guard index > firstDigit else { throw numberFailure() }
        guard bytes[firstDigit] != UInt8(ascii: "0") || index == firstDigit + 1 else {
            throw failure(.invalidNumber, at: firstDigit)
        }
        var isIntegral = true
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            isIntegral = false
            index += 1
            try digits()
        }
        if index < bytes.count, bytes[index] == UInt8(ascii: "e") || bytes[index] == UInt8(ascii: "E") {
            isIntegral = false
            index += 1
            if index < bytes.count, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") {
                index += 1
            }
            try digits()
        }
        guard index - start <= 400 else { throw failure(.numberTooLong, at: start) }
        if isIntegral, let integer {
            if negative { return .integer(integer) }
            if integer != .min { return .integer(-integer) }
        }
        let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<index]), as: UTF8.self)
        guard let double = Double(text) else { throw failure(.invalidNumber, at: start) }
        guard double.isFinite else { throw failure(.numberOutOfRange, at: start) }
        return .number(double)
    }

    @inline(__always) private func digit() -> UInt8? {
        guard index < bytes.count else { return nil }
        let value = bytes[index] &- UInt8(ascii: "0")
        return value < 10 ? value : nil
    }

    private mutating func digits() throws(JSONError) {
        guard digit() != nil else { throw numberFailure() }
        while digit() != nil { index += 1 }
    }

    private func numberFailure() -> JSONError {
        failure(index < bytes.count ? .invalidNumber : .unexpectedEnd)
    }
}

/// How many bytes from the start are well-formed UTF-8 (Unicode 15, table 3-7).
private func validUTF8Prefix(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var index = 0
    while index < bytes.count {
        let first = bytes[index]
        let length: Int
        let second: ClosedRange<UInt8>
        switch first {
        case 0..<0x80:
            index += 1
            continue
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return index
        }
        guard index + length <= bytes.count, second.contains(bytes[index + 1]) else { return index }
        for offset in 2..<max(length, 2) where bytes[index + offset] & 0xC0 != 0x80 { return index }
        index += length
    }
    return index
}
