import Foundation

/// The named statements of a directory of `.sql` files.
///
/// A block begins with a line `-- name: some_name`, may go on with `-- plan: custom`, and ends where the next block
/// begins. What precedes the first block of a file may only be comments. A name stands once in the whole directory. A block with
/// lines that end in `-- if word` is a `StatementTemplate`. What several statements of a file say stands once, in a block that
/// begins with `-- fragment: some_name`, before those that say it: their line `-- use some_name` stands for its lines.
public struct StatementLibrary: Sendable {
    private let statements: [String: Statement]
    private let templates: [String: StatementTemplate]
    private let renderings = RenderingCache()

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
        statements = parser.statements
        templates = parser.templates
    }

    /// A library of statements that are at hand already.
    public init(_ statements: [Statement]) {
        self.statements = Dictionary(statements.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        templates = [:]
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

    public func template(_ name: String) -> StatementTemplate? { templates[name] }

    /// The statement that the template of that name gives with these parts.
    ///
    /// - Parameter parts: each order of them is a statement of its own, so keep to one.
    /// - Throws: `PostgresError` of kind `.unknownStatement`, also for a part that it has not.
    public func rendering(
        _ name: String, _ parts: [String], plan: Statement.Plan = .auto
    ) throws(PostgresError) -> StatementTemplate.Rendering {
        guard let template = templates[name] else {
            throw PostgresError(.unknownStatement, message: "no template of that name is loaded", statement: name)
        }
        return try renderings.rendering(of: template, parts, plan: plan)
    }

    /// All statements, by name, and of each template the text with every part.
    public var all: [Statement] {
        (statements.values + templates.values.map(\.whole)).sorted { $0.name < $1.name }
    }

    static func isNameByte(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5F
    }
}

/// Everything wrong with a directory of statements.
public struct StatementLibraryError: Error, Sendable, CustomStringConvertible {
    public let problems: [String]
    public var description: String { problems.joined(separator: "\n") }
}
