import Foundation

/// Reads files of statements one after the other: the blocks of `StatementLibrary`.
struct StatementFileParser {
    var statements: [String: Statement] = [:]
    var templates: [String: StatementTemplate] = [:]
    private var places: [String: String] = [:]
    private var fragments: [String: Fragment] = [:]
    var problems: [String] = []

    private struct Block {
        let name: String
        let place: String
        var isFragment = false
        var plan = Statement.Plan.auto
        var lines: [Substring] = []
    }

    /// Those of the file that is being read.
    private struct Fragment {
        let place: String
        let lines: [Substring]
        var isUsed = false
    }

    mutating func parse(_ text: String, file: String) {
        var block: Block?
        fragments = [:]
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let place = "\(file):\(index + 1)"
            if let name = value(of: "name", in: line) {
                finish(block)
                block = Block(name: checked(name, place), place: place)
            } else if let name = value(of: "fragment", in: line) {
                finish(block)
                block = Block(name: checked(name, place), place: place, isFragment: true)
            } else if let name = used(in: line) {
                block?.lines += use(name, place)
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
        for (name, fragment) in fragments.sorted(by: { $0.key < $1.key }) where !fragment.isUsed {
            problems.append("\(fragment.place): nothing uses “\(name)”")
        }
    }

    private mutating func checked(_ name: String, _ place: String) -> String {
        if name.isEmpty || !name.utf8.allSatisfy(StatementLibrary.isNameByte) {
            problems.append("\(place): a name is made of a-z, 0-9 and _, not “\(name)”")
        }
        return name
    }

    private mutating func use(_ name: String, _ place: String) -> [Substring] {
        fragments[name]?.isUsed = true
        guard let fragment = fragments[name] else {
            problems.append("\(place): there is no fragment “\(name)” above")
            return []
        }
        return fragment.lines
    }

    private mutating func finish(_ block: Block?) {
        guard let block else { return }
        var sql = block.lines.joined(separator: "\n").trimmingCharacters(in: .whitespacesAndNewlines)
        while sql.hasSuffix(";") { sql = String(sql.dropLast()).trimmingCharacters(in: .whitespacesAndNewlines) }
        if block.lines.allSatisfy({ isBlank($0) || $0.hasPrefix("--") }) {
            problems.append("\(block.place): “\(block.name)” has no SQL")
        } else if block.isFragment {
            if let first = fragments[block.name] {
                problems.append("\(block.place): “\(block.name)” stands at \(first.place) already")
            }
            fragments[block.name] = Fragment(
                place: block.place, lines: block.lines.filter { !isBlank($0) && !$0.hasPrefix("--") })
        } else if let first = places[block.name] {
            problems.append("\(block.place): “\(block.name)” stands at \(first) already")
        } else {
            places[block.name] = block.place
            add(block, sql)
        }
    }

    private mutating func add(_ block: Block, _ sql: String) {
        guard StatementTemplate.isTemplate(sql) else {
            statements[block.name] = Statement(name: block.name, sql: sql, plan: block.plan)
            return
        }
        do {
            templates[block.name] = try StatementTemplate(name: block.name, sql: sql)
            // Which of its texts is planned for its values is for the caller to say.
            if block.plan == .custom { problems.append("\(block.place): “\(block.name)” has parts, and so no plan") }
        } catch {
            problems.append("\(block.place): \(error.reason)")
        }
    }

    /// The name in a line `-- use name`.
    private func used(in line: Substring) -> String? {
        let text = line.drop(while: \.isWhitespace)
        return text.hasPrefix("-- use ") ? String(text.dropFirst(7)) : nil
    }

    /// The value of a line `-- key: value`.
    private func value(of key: String, in line: Substring) -> String? {
        guard line.hasPrefix("--") else { return nil }
        let comment = line.dropFirst(2).drop(while: { $0 == " " })
        guard comment.hasPrefix(key + ":") else { return nil }
        return comment.dropFirst(key.count + 1).trimmingCharacters(in: .whitespaces)
    }

    private func isBlank(_ line: Substring) -> Bool { line.allSatisfy(\.isWhitespace) }
}
