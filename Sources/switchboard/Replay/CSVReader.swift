/// Reads RFC 4180 text: fields in quotes may hold commas, line breaks and doubled quotes; lines end in LF, CR LF or CR.
///
/// The first record names the columns. A byte order mark is skipped; invalid UTF-8 is an error, as is a record whose
/// number of fields is not the header's. Errors name the record and the line of the file that it starts on, both
/// counted from 1 with the header as the first.
struct CSVReader: Sequence, Sendable {
    struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
        enum Reason: Sendable, Equatable {
            case empty
            case notUTF8
            case unterminatedQuote
            case textAfterQuote
            case quoteInsideField
            case fieldCount(found: Int, expected: Int)
            case noColumn(String, columns: [String])
            case duplicateColumn(String)
        }

        let reason: Reason
        let row: Int
        let line: Int

        var description: String {
            let place = "row \(row) (line \(line))"
            switch reason {
            case .empty: return "the file is empty: it needs a header line with a column called text"
            case .notUTF8: return "\(place) is not valid UTF-8"
            case .unterminatedQuote: return "\(place): a quoted field is never closed"
            case .textAfterQuote: return "\(place): text follows the closing quote of a field"
            case .quoteInsideField: return "\(place): a quote stands inside a field that is not quoted"
            case .fieldCount(let found, let expected):
                return "\(place) has \(found) field\(found == 1 ? "" : "s"), the header has \(expected)"
            case .noColumn(let name, let columns):
                return "there is no column called \(name); the header has: \(columns.joined(separator: ", "))"
            case .duplicateColumn(let name): return "the header names the column \(name) twice"
            }
        }
    }

    struct Record: Sendable, Equatable {
        let fields: [String]
        let row: Int
        let line: Int
    }

    let columns: [String]
    private let bytes: ArraySlice<UInt8>
    private let bodyLine: Int

    /// Reads the header.
    init(_ bytes: [UInt8]) throws(Failure) {
        let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        var scanner = RecordScanner(bytes: content)
        guard let header = try scanner.next() else { throw Failure(reason: .empty, row: 1, line: 1) }
        var seen: Set<String> = []
        for name in header.fields where !seen.insert(name).inserted {
            throw Failure(reason: .duplicateColumn(name), row: 1, line: header.line)
        }
        columns = header.fields
        self.bytes = content[scanner.position...]
        bodyLine = scanner.line
    }

    /// The place of the column of that name.
    func index(of name: String) throws(Failure) -> Int {
        guard let index = columns.firstIndex(of: name) else {
            throw Failure(reason: .noColumn(name, columns: columns), row: 1, line: 1)
        }
        return index
    }

    /// Every field of one column, with its row.
    func column(_ name: String) throws(Failure) -> [(row: Int, value: String)] {
        let index = try index(of: name)
        var values: [(row: Int, value: String)] = []
        for record in self {
            let record = try record.get()
            values.append((record.row, record.fields[index]))
        }
        return values
    }

    func makeIterator() -> Iterator {
        Iterator(
            scanner: RecordScanner(bytes: bytes, row: 2, line: bodyLine), expected: columns.count)
    }

    /// The records after the header; ends after the first failure.
    struct Iterator: IteratorProtocol {
        fileprivate var scanner: RecordScanner
        let expected: Int
        private var isOver = false

        fileprivate init(scanner: RecordScanner, expected: Int) {
            self.scanner = scanner
            self.expected = expected
        }

        mutating func next() -> Result<Record, Failure>? {
            if isOver { return nil }
            do throws(Failure) {
                guard let record = try scanner.next() else { return nil }
                guard record.fields.count == expected else {
                    throw Failure(
                        reason: .fieldCount(found: record.fields.count, expected: expected), row: record.row,
                        line: record.line)
                }
                return .success(record)
            } catch {
                isOver = true
                return .failure(error)
            }
        }
    }
}

/// Goes over the bytes once; knows rows and lines, not columns.
private struct RecordScanner {
    private let bytes: ArraySlice<UInt8>
    private(set) var position: Int
    private(set) var line: Int
    private var row: Int

    init(bytes: ArraySlice<UInt8>, row: Int = 1, line: Int = 1) {
        self.bytes = bytes
        position = bytes.startIndex
        self.row = row
        self.line = line
    }

    private static let quote = UInt8(ascii: "\"")
    private static let comma = UInt8(ascii: ",")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    mutating func next() throws(CSVReader.Failure) -> CSVReader.Record? {
        // Empty lines between records and at the end are no records.
        while let byte = peek, byte == Self.lineFeed || byte == Self.carriageReturn { endLine() }
        guard peek != nil else { return nil }
        let start = line
        defer { row += 1 }
        var fields: [String] = []
        while true {
            fields.append(try field(startingAt: start))
            guard let byte = peek else { break }
            if byte == Self.comma {
                position += 1
                continue
            }
            endLine()
            break
        }
        return CSVReader.Record(fields: fields, row: row, line: start)
    }

    private var peek: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

    private mutating func endLine() {
        if bytes[position] == Self.carriageReturn, position + 1 < bytes.endIndex,
            bytes[position + 1] == Self.lineFeed
        {
            position += 1
        }
        position += 1
        line += 1
    }

    /// One field; afterwards the position is at a comma, a line break or the end.
    private mutating func field(startingAt start: Int) throws(CSVReader.Failure) -> String {
        if peek == Self.quote { return try quotedField(startingAt: start) }
        let begin = position
        while let byte = peek, byte != Self.comma, byte != Self.lineFeed, byte != Self.carriageReturn {
            if byte == Self.quote { throw failure(.quoteInsideField, start) }
            position += 1
        }
        return try text(bytes[begin..<position], start)
    }

    private mutating func quotedField(startingAt start: Int) throws(CSVReader.Failure) -> String {
        position += 1
        var content: [UInt8] = []
        while true {
            guard let byte = peek else { throw failure(.unterminatedQuote, start) }
            if byte == Self.quote {
                position += 1
                guard peek == Self.quote else { break }
            } else if byte == Self.lineFeed || (byte == Self.carriageReturn && !isBeforeLineFeed) {
                line += 1
            }
            content.append(byte)
            position += 1
        }
        if let byte = peek, byte != Self.comma, byte != Self.lineFeed, byte != Self.carriageReturn {
            throw failure(.textAfterQuote, start)
        }
        return try text(content[...], start)
    }

    private var isBeforeLineFeed: Bool { position + 1 < bytes.endIndex && bytes[position + 1] == Self.lineFeed }

    private func text(_ content: ArraySlice<UInt8>, _ start: Int) throws(CSVReader.Failure) -> String {
        guard let text = String(validating: content, as: UTF8.self) else { throw failure(.notUTF8, start) }
        return text
    }

    private func failure(_ reason: CSVReader.Failure.Reason, _ start: Int) -> CSVReader.Failure {
        CSVReader.Failure(reason: reason, row: row, line: start)
    }
}
