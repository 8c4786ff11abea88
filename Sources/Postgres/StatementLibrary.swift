import Foundation

/// The named statements of a directory of `.sql` files.
///
/// A block begins with a line `-- name: some_name`, may go on with `-- plan: custom`, and ends where the next block
/// begins. What precedes the first block of a file may only be comments. A name stands once in the whole directory.
public struct StatementLibrary: Sendable {
    private let statements: [String: Statement]

    /// Reads every `*.sql` directly inside `directory`, in order of file names.
    ///
    /// - Throws: `StatementLibraryError` naming file and line of everything wrong at once.
    public init(directory: URL) throws {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
        } catch {
            throw StatementLibraryError(problems: ["\(directory.path): cannot be read: \(error.localizedDescription)"])
        }
        var parser = StatementFileParser()
        for name in names where name.hasSuffix(".sql") {
            let file = directory.appendingPathComponent(name)
            guard let text = String(validating: try Data(contentsOf: file), as: UTF8.self) else {
                parser.problems.append("\(name): not valid UTF-8")
                continue
            }
            parser.parse(text, file: name)
        }
        guard parser.problems.isEmpty else { throw StatementLibraryError(problems: parser.problems) }
        statements = parser.statements.mapValues(\.statement)
    }

    /// A library of statements that are at hand already.
    public init(_ statements: [Statement]) {
        self.statements = Dictionary(statements.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    public subscript(_ name: String) -> Statement? { statements[name] }

    /// The statement of that name.
    ///
    /// - Throws: `PostgresError` of kind `.unknownStatement`.
    public func statement(_ name: String) throws(PostgresError) -> Statement {
        guard let statement = statements[name] else {
            throw PostgresError(.unknownStatement, message: "no statement of that name is loaded", statement: name)
        }
        return statement
    }

    /// All statements, by name.
    public var all: [Statement] { statements.values.sorted { $0.name < $1.name } }
}

/// Everything wrong with a directory of statements.
public struct StatementLibraryError: Error, Sendable, CustomStringConvertible {
    public let problems: [String]
    public var description: String { problems.joined(separator: "\n") }
}

private struct StatementFileParser {
    var statements: [String: (statement: Statement, place: String)] = [:]
    var problems: [String] = []

    private struct Block {
        let name: String
        let place: String
        var plan = Statement.Plan.auto
        var lines: [Substring] = []
    }

    mutating func parse(_ text: String, file: String) {
        var block: Block?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let place = "\(file):\(index + 1)"
            if let name = value(of: "name", in: line) {
                finish(block)
                block = Block(name: name, place: place)
                if name.isEmpty || !name.utf8.allSatisfy(isNameByte) {
                    problems.append("\(place): a name is made of a-z, 0-9 and _, not “\(name)”")
                }
            } else if let plan = value(of: "plan", in: line), block?.lines.allSatisfy(isBlank) == true {
                switch plan {
                case "auto": block?.plan = .auto
                case "custom": block?.plan = .custom
                default: problems.append("\(place): plan is auto or custom, not “\(plan)”")
                }
            } else if block != nil {
                block?.lines.append(line)
            } else if !isBlank(line), !line.hasPrefix("--") {
                problems.append("\(place): SQL before the first “-- name:”")
            }
        }
        finish(block)
    }

    private mutating func finish(_ block: Block?) {
        guard let block else { return }
        var sql = block.lines.joined(separator: "\n").trimmingCharacters(in: .whitespacesAndNewlines)
        while sql.hasSuffix(";") { sql = String(sql.dropLast()).trimmingCharacters(in: .whitespacesAndNewlines) }
        if block.lines.allSatisfy({ isBlank($0) || $0.hasPrefix("--") }) {
            problems.append("\(block.place): “\(block.name)” has no SQL")
        } else if let first = statements[block.name] {
            problems.append("\(block.place): “\(block.name)” stands at \(first.place) already")
        } else {
            statements[block.name] = (Statement(name: block.name, sql: sql, plan: block.plan), block.place)
        }
    }

    /// The value of a line `-- key: value`.
    private func value(of key: String, in line: Substring) -> String? {
        guard line.hasPrefix("--") else { return nil }
        let comment = line.dropFirst(2).drop(while: { $0 == " " })
        guard comment.hasPrefix(key + ":") else { return nil }
        return comment.dropFirst(key.count + 1).trimmingCharacters(in: .whitespaces)
    }

    private func isBlank(_ line: Substring) -> Bool { line.allSatisfy(\.isWhitespace) }

    private func isNameByte(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5F
    }
}
