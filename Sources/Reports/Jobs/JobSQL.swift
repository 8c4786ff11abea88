/// Puts `$1`, `$2` … where a job's SELECT says `:name`, and sees that it is one SELECT.
///
/// Strings, quoted names, comments and casts (`::date`) are left alone.
struct JobSQL {
    private(set) var sql: [UInt8] = []
    /// In the order of their numbers; the workspace is the first of every statement (S35).
    private(set) var parameters: [Job.Parameter] = [.workspace]
    private(set) var used: Set<Job.Parameter> = []
    private(set) var problems: [(line: Int, reason: String)] = []

    private let bytes: [UInt8]
    private var index = 0
    private var line: Int
    private var statementEnded = false
    private var firstWord: String?

    /// - Parameter line: the number of the text's first line in its file.
    init(_ text: String, firstLine line: Int) {
        bytes = Array(text.utf8)
        self.line = line
        while index < bytes.count { step() }
        if firstWord == nil { problems.append((line, "there is no SELECT after the header")) }
    }

    private mutating func step() {
        let byte = bytes[index]
        switch byte {
        case UInt8(ascii: "'"): quoted(by: byte, backslashes: isEscapeString, "string")
        case UInt8(ascii: "\""): quoted(by: byte, backslashes: false, "quoted name")
        case UInt8(ascii: "$"): dollar()
        case UInt8(ascii: "-") where peek(1) == UInt8(ascii: "-"): lineComment()
        case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "*"): blockComment()
        case UInt8(ascii: ":") where peek(1) == UInt8(ascii: ":"): take(2)
        case UInt8(ascii: ":") where isNameStart(peek(1)): parameter()
        case UInt8(ascii: ";"):
            statementEnded = true
            index += 1
        case _ where isNameStart(byte): word()
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): take(1)
        default:
            content()
            take(1)
        }
    }

    private func peek(_ distance: Int) -> UInt8? { index + distance < bytes.count ? bytes[index + distance] : nil }

    private mutating func take(_ count: Int) {
        for _ in 0..<min(count, bytes.count - index) {
            if bytes[index] == UInt8(ascii: "\n") { line += 1 }
            sql.append(bytes[index])
            index += 1
        }
    }

    /// Something that is neither space nor comment stands here.
    private mutating func content() {
        guard statementEnded else { return }
        statementEnded = false
        problems.append((line, "something follows the “;”: a job is one SELECT"))
    }

    private mutating func word() {
        content()
        let start = index
        while let byte = peek(0), isNamePart(byte) { take(1) }
        guard firstWord == nil else { return }
        let word = String(decoding: bytes[start..<index], as: UTF8.self)
        firstWord = word
        if !["select", "with"].contains(word.lowercased()) {
            problems.append((line, "a job begins with SELECT or WITH, not with “\(word)”"))
        }
    }

    private mutating func parameter() {
        content()
        let start = index + 1
        var end = start
        while end < bytes.count, isNamePart(bytes[end]) { end += 1 }
        let name = String(decoding: bytes[start..<end], as: UTF8.self)
        index = end
        guard let parameter = Job.Parameter(rawValue: name) else {
            let known = Job.Parameter.allCases.map { ":\($0.rawValue)" }.joined(separator: ", ")
            problems.append((line, "there is no parameter :\(name); there are \(known)"))
            return
        }
        used.insert(parameter)
        if !parameters.contains(parameter) { parameters.append(parameter) }
        let number = (parameters.firstIndex(of: parameter) ?? 0) + 1
        sql.append(contentsOf: "$\(number)".utf8)
    }

    /// `E'…'`, where a backslash escapes: the E directly before, and nothing of a name before that.
    private var isEscapeString: Bool {
        guard index > 0, bytes[index - 1] | 0x20 == UInt8(ascii: "e") else { return false }
        return index < 2 || !isNamePart(bytes[index - 2])
    }

    private mutating func quoted(by quote: UInt8, backslashes: Bool, _ what: String) {
        content()
        let start = line
        take(1)
        while let byte = peek(0) {
            if backslashes, byte == UInt8(ascii: "\\") {
                take(2)
            } else if byte == quote, peek(1) == quote {
                take(2)
            } else {
                take(1)
                if byte == quote { return }
            }
        }
        problems.append((start, "this \(what) is not ended"))
    }

    private mutating func dollar() {
        content()
        if let next = peek(1), next &- UInt8(ascii: "0") < 10 {
            problems.append((line, "parameters are written :name, not $1"))
            take(1)
            return
        }
        var end = index + 1
        while end < bytes.count, isNamePart(bytes[end]), bytes[end] != UInt8(ascii: "$") { end += 1 }
        guard end < bytes.count, bytes[end] == UInt8(ascii: "$") else { return take(1) }
        let delimiter = bytes[index...end]
        let start = line
        take(delimiter.count)
        while index < bytes.count {
            if bytes[index...].starts(with: delimiter) { return take(delimiter.count) }
            take(1)
        }
        problems.append((start, "this string is not ended"))
    }

    private mutating func lineComment() {
        while let byte = peek(0), byte != UInt8(ascii: "\n") { take(1) }
    }

    private mutating func blockComment() {
        let start = line
        var depth = 0
        while index < bytes.count {
            if peek(0) == UInt8(ascii: "/"), peek(1) == UInt8(ascii: "*") {
                depth += 1
                take(2)
            } else if peek(0) == UInt8(ascii: "*"), peek(1) == UInt8(ascii: "/") {
                depth -= 1
                take(2)
                if depth == 0 { return }
            } else {
                take(1)
            }
        }
        problems.append((start, "this comment is not ended"))
    }

    private func isNameStart(_ byte: UInt8?) -> Bool {
        guard let byte else { return false }
        return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
            || byte >= 0x80
    }

    private func isNamePart(_ byte: UInt8) -> Bool { isNameStart(byte) || byte &- UInt8(ascii: "0") < 10 }
}
