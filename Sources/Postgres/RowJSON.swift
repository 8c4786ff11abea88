import CLibPQ
import TextForms

extension PostgresRow {
    /// Appends the row as a JSON object, compact: a member for each column, of its name and in its place. Nothing is decoded,
    /// so a row that is only shown costs its bytes.
    ///
    /// `int` and `bool` are written as they are, times as RFC 3339 in UTC with six digits of the second's fraction, `json` and
    /// `jsonb` without the server's blanks, everything else as a string.
    public func appendJSON(to bytes: inout [UInt8]) {
        let columns = storage.columns
        for column in columns.names.indices {
            bytes.append(contentsOf: columns.openings[column])
            guard let cell = storage.cell(row: index, column: column) else {
                bytes.append(contentsOf: "null".utf8)
                continue
            }
            switch columns.types[column] {
            case .raw: bytes.append(contentsOf: cell)
            case .plain:
                bytes.append(UInt8(ascii: "\""))
                bytes.append(contentsOf: cell)
                bytes.append(UInt8(ascii: "\""))
            case .text: JSONString.append(utf8: cell, to: &bytes)
            case .bool:
                bytes.append(contentsOf: (cell.first == UInt8(ascii: "t") ? "true" : "false").utf8)
            case .json: JSONText.appendCompact(cell, to: &bytes)
            case .instant: JSONText.append(instant: cell, to: &bytes)
            }
        }
        withExtendedLifetime(storage) {}
        bytes.append(contentsOf: columns.names.isEmpty ? "{}".utf8 : "}".utf8)
    }
}

extension ResultColumns {
    /// How a column's text becomes JSON.
    enum JSONForm {
        case raw, plain, text, bool, json, instant

        init(type: Oid) {
            self =
                switch type {
                case 20, 21, 23: .raw
                case 16: .bool
                case 2950: .plain
                case 114, 3802: .json
                case 1184: .instant
                default: .text
                }
        }
    }
}

/// The server's texts as JSON.
enum JSONText {
    /// `2026-11-22 21:01:19.1234+00` as `2026-11-22T21:01:19.123400Z`: the session's style is ISO, its zone UTC. RFC 3339 ends at
    /// the years 1 and 9999, and so does what is beyond.
    static func append(instant text: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
        let end = text.count - 3
        guard end == 19 || (21...26).contains(end), text[10] == UInt8(ascii: " "), text[end] == UInt8(ascii: "+") else {
            let isBefore = text.first == UInt8(ascii: "-") || text.last == UInt8(ascii: "C")
            let limit = isBefore ? "\"0001-01-01T00:00:00.000000Z\"" : "\"9999-12-31T23:59:59.999999Z\""
            bytes.append(contentsOf: limit.utf8)
            return
        }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[..<10]))
        bytes.append(UInt8(ascii: "T"))
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[11..<end]))
        if end == 19 { bytes.append(UInt8(ascii: ".")) }
        for _ in max(end, 20)..<26 { bytes.append(UInt8(ascii: "0")) }
        bytes.append(contentsOf: "Z\"".utf8)
    }

    /// A JSON document of the server's without its blanks. A number that is no whole one of 64 bits is written as the nearest
    /// double, as everywhere in answers.
    static func appendCompact(_ text: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
        var index = 0
        while index < text.count {
            let start = index
            switch text[index] {
            case 0x20, 0x09, 0x0A, 0x0D:
                index += 1
                continue
            case UInt8(ascii: "\""):
                index = endOfString(text, from: index)
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                while index < text.count, isNumberByte(text[index]) { index += 1 }
                appendNumber(UnsafeBufferPointer(rebasing: text[start..<index]), to: &bytes)
                continue
            default: index += 1
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<index]))
        }
    }

    private static func endOfString(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var index = start + 1
        while index < text.count, text[index] != UInt8(ascii: "\"") {
            index += text[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(index + 1, text.count)
    }

    private static func isNumberByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
            UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }

    private static func appendNumber(_ text: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
        // Up to 18 digits fit 64 bits whatever they are.
        if text.count <= 18, text.allSatisfy({ $0 != UInt8(ascii: ".") && $0 | 0x20 != UInt8(ascii: "e") }) {
            bytes.append(contentsOf: text)
            return
        }
        let number = String(decoding: text, as: UTF8.self)
        if Int64(number) == nil, let value = Double(number), value.isFinite {
            bytes.append(contentsOf: value.description.utf8)
        } else {
            bytes.append(contentsOf: text)
        }
    }
}
