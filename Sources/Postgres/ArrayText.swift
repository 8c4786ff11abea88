import TextForms

/// PostgreSQL's array literal, `{"a","b\"c",NULL}`, of one dimension: in results, and in what is copied.
enum ArrayText {
    static func append<Element: PostgresBindable>(_ elements: [Element], to text: inout [UInt8]) {
        text.append(UInt8(ascii: "{"))
        for (index, element) in elements.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            append(element, to: &text)
        }
        text.append(UInt8(ascii: "}"))
    }

    /// One element. Quoted, neither blanks, braces, commas nor the word NULL mean anything.
    private static func append<Element: PostgresBindable>(_ element: Element, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "\""))
        let start = text.count
        guard element.appendPostgresText(to: &text) else {
            text.removeLast()
            return text.append(contentsOf: "NULL".utf8)
        }
        escape(from: start, in: &text)
        text.append(UInt8(ascii: "\""))
    }

    /// Most texts hold nothing to escape and stay where they are.
    private static func escape(from start: Int, in text: inout [UInt8]) {
        func isSpecial(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") }
        guard let first = text[start...].firstIndex(where: isSpecial) else { return }
        let rest = Array(text[first...])
        text.removeSubrange(first...)
        for byte in rest {
            if isSpecial(byte) { text.append(UInt8(ascii: "\\")) }
            text.append(byte)
        }
    }

    /// Calls `element` with the text of each element in order, nil for NULL.
    ///
    /// - Throws: when the text is no array literal of one dimension, or what `element` throws.
    static func parse(
        _ text: Span<UInt8>, element: (Span<UInt8>?) throws(PostgresTextError) -> Void
    ) throws(PostgresTextError) {
        var index = 0
        let end = text.count
        // A lower bound other than 1 is written before the elements: [0:2]={…}.
        if end > 0, text[0] == UInt8(ascii: "[") {
            while index < end, text[index] != UInt8(ascii: "=") { index += 1 }
            index += 1
        }
        guard index < end, text[index] == UInt8(ascii: "{") else { throw PostgresTextError("not an array") }
        index += 1
        if index < end, text[index] == UInt8(ascii: "}") {
            guard index + 1 == end else { throw PostgresTextError("not an array") }
            return
        }
        var scratch: [UInt8] = []
        while true {
            guard index < end else { throw PostgresTextError("an array that does not end") }
            scratch.removeAll(keepingCapacity: true)
            var isNull = false
            if text[index] == UInt8(ascii: "\"") {
                index += 1
                while index < end, text[index] != UInt8(ascii: "\"") {
                    if text[index] == UInt8(ascii: "\\") { index += 1 }
                    guard index < end else { break }
                    scratch.append(text[index])
                    index += 1
                }
                index += 1
            } else if text[index] == UInt8(ascii: "{") {
                throw PostgresTextError("an array of more than one dimension")
            } else {
                while index < end, text[index] != UInt8(ascii: ","), text[index] != UInt8(ascii: "}") {
                    if text[index] == UInt8(ascii: "\\") { index += 1 }
                    guard index < end else { break }
                    scratch.append(text[index])
                    index += 1
                }
                isNull = scratch.elementsEqual("NULL".utf8)
            }
            guard index < end else { throw PostgresTextError("an array that does not end") }
            if isNull { try element(nil) } else { try element(scratch.span) }
            let separator = text[index]
            index += 1
            if separator == UInt8(ascii: "}") {
                guard index == end else { throw PostgresTextError("an array with something behind it") }
                return
            }
            guard separator == UInt8(ascii: ",") else { throw PostgresTextError("not an array") }
        }
    }
}

/// PostgreSQL's hexadecimal form of bytes, `\x0aff`.
enum ByteaText {
    static func append(_ value: [UInt8], to text: inout [UInt8]) {
        text.reserveCapacity(text.count + value.count * 2 + 2)
        text.append(UInt8(ascii: "\\"))
        text.append(UInt8(ascii: "x"))
        Hexadecimal.append(value, to: &text)
    }

    static func parse(_ text: Span<UInt8>) throws(PostgresTextError) -> [UInt8] {
        guard text.count >= 2, text.count % 2 == 0, text[0] == UInt8(ascii: "\\"), text[1] == UInt8(ascii: "x") else {
            throw PostgresTextError("not a bytea in hexadecimal form")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2 - 1)
        for index in stride(from: 2, to: text.count, by: 2) {
            guard let high = Hexadecimal.value(text[index]), let low = Hexadecimal.value(text[index + 1]) else {
                throw PostgresTextError("not a bytea in hexadecimal form")
            }
            bytes.append(high << 4 | low)
        }
        return bytes
    }
}
