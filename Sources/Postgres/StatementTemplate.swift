/// A statement with parts that stand in its text only where a caller wants them: each set of wanted parts is a statement of its
/// own, prepared and planned without the rest.
///
/// A line that ends in `-- if word` is a part, and so are the lines between `-- if word` and `-- end`. What is left of the
/// parameters is numbered anew.
public struct StatementTemplate: Sendable {
    /// One of the texts.
    public struct Rendering: Sendable {
        /// Named after the template and the parts that are in it: `conversation_list_opened_desc(open,team)`.
        public let statement: Statement
        /// Which of the template's parameters it has, in its own order; the first is 1.
        public let parameters: [Int]
    }

    public let name: String
    /// The words of its parts, in the order of the text.
    public let words: [String]
    private let lines: [Line]

    private struct Line {
        let text: Substring
        /// All of them must be wanted.
        let words: [String]
    }

    /// Why a text is no template.
    struct Malformed: Error {
        let reason: String
    }

    /// Whether a text has parts at all.
    static func isTemplate(_ sql: String) -> Bool { sql.contains(mark) }

    init(name: String, sql: String) throws(Malformed) {
        var lines: [Line] = []
        var words: [String] = []
        var block: String?
        for line in sql.split(separator: "\n") {
            guard let start = line.firstRange(of: Self.mark) else {
                if line.drop(while: \.isWhitespace) == "-- end" {
                    guard block != nil else { throw Malformed(reason: "“-- end” without “-- if”") }
                    block = nil
                } else {
                    lines.append(Line(text: line, words: block.map { [$0] } ?? []))
                }
                continue
            }
            let word = String(line[start.upperBound...])
            guard !word.isEmpty, word.utf8.allSatisfy(StatementLibrary.isNameByte) else {
                throw Malformed(reason: "a part's word is made of a-z, 0-9 and _, not “\(word)”")
            }
            if !words.contains(word) { words.append(word) }
            if line[..<start.lowerBound].allSatisfy(\.isWhitespace) {
                guard block == nil else { throw Malformed(reason: "“-- if \(word)” inside “-- if \(block ?? "")”") }
                block = word
            } else {
                lines.append(Line(text: line[..<start.lowerBound], words: [block, word].compactMap { $0 }))
            }
        }
        guard block == nil else { throw Malformed(reason: "“-- if \(block ?? "")” without “-- end”") }
        self.name = name
        self.words = words
        self.lines = lines
    }

    /// The text with every part, which no caller runs: for those who look at what statements say.
    public var whole: Statement {
        Statement(name: name, sql: lines.map(\.text).joined(separator: "\n"))
    }

    /// The name of a rendering, which tells it from every other.
    func name(of wanted: [String]) -> String { "\(name)(\(wanted.joined(separator: ",")))" }

    /// The text with these parts and no others.
    ///
    /// - Parameter plan: whether one plan does for all values; the caller knows which parts make it so.
    public func rendering(_ wanted: [String], plan: Statement.Plan = .auto) throws(PostgresError) -> Rendering {
        if let unknown = wanted.first(where: { !words.contains($0) }) {
            throw PostgresError(.unknownStatement, message: "it has no part “\(unknown)”", statement: name)
        }
        let text = lines.filter { $0.words.allSatisfy(wanted.contains) }.map(\.text).joined(separator: "\n")
        var parameters: [Int] = []
        let sql = text.replacing(#/\$([0-9]+)/#) { match in
            let number = Int(match.1) ?? 0
            let position = parameters.firstIndex(of: number) ?? parameters.count
            if position == parameters.count { parameters.append(number) }
            return "$\(position + 1)"
        }
        return Rendering(
            statement: Statement(name: name(of: wanted), sql: sql, plan: plan), parameters: parameters)
    }

    private static let mark = "-- if "
}
