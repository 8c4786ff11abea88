import Foundation

/// Reads a job file: lines `-- key: value` up to the first empty comment line, then one SELECT.
///
/// | key | value |
/// |---|---|
/// | `name` | the file's name without `.sql` |
/// | `title`, `description` | for people |
/// | `schedule` | `HH:MM` local time, daily over the day before; absent: on demand only |
/// | `group_by` | `day, team named …`: what the SELECT knows as `:group_by`, the default first |
/// | `measure` | `opened count, not by team agent`; a line for each, in the order of the columns |
///
/// The SELECT gives `is_total`, `group_id` and each measure as a column, `group_name` too where a grouping is `named`, and
/// exactly one row with `is_total`.
struct JobFile {
    private let file: String
    private var problems: [JobProblem] = []
    private var values: [String: (text: String, line: Int)] = [:]
    private var measures: [Job.Measure] = []

    private static let keys = ["name", "title", "description", "schedule", "group_by", "measure"]

    /// - Returns: the job, or everything that is wrong with its file.
    static func parse(_ text: String, file: String) -> Result<Job, JobProblems> {
        var reader = JobFile(file: file)
        let job = reader.read(text)
        if let job, reader.problems.isEmpty { return .success(job) }
        return .failure(JobProblems(list: reader.problems))
    }

    private init(file: String) {
        self.file = file
    }

    private mutating func read(_ text: String) -> Job? {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.trimmingSuffix("\r") }
        var body: Int?
        for (index, line) in lines.enumerated() {
            if line.trimmingCharacters(in: .whitespaces) == "--" {
                body = index + 1
                break
            }
            header(line, number: index + 1)
            if !line.hasPrefix("--") { break }
        }
        guard let body else {
            add(nil, "the header must end with an empty comment line “--”")
            return nil
        }
        let name = required("name")
        if let name, "\(name).sql" != file {
            add(values["name"]?.line, "the name must be the file's: “\(file.dropLast(4))”")
        }
        let title = required("title")
        let schedule = values["schedule"].flatMap { timeOfDay($0.text, line: $0.line) }
        let groupings = self.groupings()
        if measures.isEmpty { add(nil, "there is no “-- measure:”") }
        for measure in measures {
            for grouping in measure.absentFrom.subtracting(groupings.map(\.name)).sorted() {
                add(nil, "measure \(measure.name): there is no grouping “\(grouping)”")
            }
        }
        let select = JobSQL(lines[body...].joined(separator: "\n"), firstLine: body + 1)
        for problem in select.problems { add(problem.line, problem.reason) }
        for parameter in [Job.Parameter.workspace, .from, .to] where !select.used.contains(parameter) {
            add(nil, "the SELECT does not use :\(parameter.rawValue)")
        }
        guard let name, let title else { return nil }
        return Job(
            name: name, title: title, description: values["description"]?.text ?? "", schedule: schedule,
            groupings: groupings, measures: measures, sql: String(decoding: select.sql, as: UTF8.self),
            parameters: select.parameters)
    }

    private mutating func add(_ line: Int?, _ reason: String) {
        problems.append(JobProblem(file: file, line: line, reason: reason))
    }

    private mutating func required(_ key: String) -> String? {
        guard let value = values[key] else {
            add(nil, "there is no “-- \(key):”")
            return nil
        }
        return value.text
    }

    private mutating func header(_ line: String, number: Int) {
        guard line.hasPrefix("--"), let colon = line.firstIndex(of: ":") else {
            add(number, "a header line is “-- key: value”")
            return
        }
        let key = line[..<colon].dropFirst(2).trimmingCharacters(in: .whitespaces)
        let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        if !Self.keys.contains(key) {
            add(number, "there is no key “\(key)”; there are \(Self.keys.joined(separator: ", "))")
        } else if value.isEmpty {
            add(number, "“\(key)” has no value")
        } else if key == "measure" {
            measure(value, line: number)
        } else if values.updateValue((value, number), forKey: key) != nil {
            add(number, "“\(key)” stands twice")
        }
    }

    private mutating func measure(_ text: String, line: Int) {
        let parts = text.split(separator: ",", maxSplits: 1).map { $0.split(separator: " ").map(String.init) }
        guard let head = parts.first, head.count == 2, isName(head[0]),
            let kind = Job.Measure.Kind(rawValue: head[1])
        else {
            let kinds = Job.Measure.Kind.allCases.map(\.rawValue).joined(separator: ", ")
            return add(line, "a measure is “name kind”, the kind one of \(kinds)")
        }
        var absentFrom: Set<String> = []
        if parts.count == 2 {
            guard parts[1].count > 2, parts[1][0] == "not", parts[1][1] == "by" else {
                return add(line, "after the comma stands “not by” and the groupings that lack the measure")
            }
            absentFrom = Set(parts[1].dropFirst(2))
        }
        if measures.contains(where: { $0.name == head[0] }) || Self.ownColumns.contains(head[0]) {
            return add(line, "“\(head[0])” is the name of another column")
        }
        measures.append(Job.Measure(name: head[0], kind: kind, absentFrom: absentFrom))
    }

    private static let ownColumns = ["is_total", "group_id", "group_name"]

    private mutating func groupings() -> [Job.Grouping] {
        guard let text = required("group_by"), let line = values["group_by"]?.line else { return [] }
        var groupings: [Job.Grouping] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let words = part.split(separator: " ").map(String.init)
            guard let name = words.first, isName(name), words.count == 1 || (words.count == 2 && words[1] == "named"),
                !groupings.contains(where: { $0.name == name })
            else {
                add(line, "group_by is a list of different names, each “name” or “name named”")
                return groupings
            }
            groupings.append(Job.Grouping(name: name, isNamed: words.count == 2))
        }
        return groupings
    }

    private mutating func timeOfDay(_ text: String, line: Int) -> Int? {
        let digits = Array(text.utf8)
        if digits.count == 5, digits[2] == UInt8(ascii: ":"), let hours = Int(text.prefix(2)),
            let minutes = Int(text.suffix(2)), (0...23).contains(hours), (0...59).contains(minutes)
        {
            return hours * 3600 + minutes * 60
        }
        add(line, "schedule is a local time such as 00:15")
        return nil
    }

    private func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else { return false }
        return text.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 &- UInt8(ascii: "0") < 10
                || $0 == UInt8(ascii: "_")
        }
    }
}

/// Everything that is wrong with one job file.
struct JobProblems: Error {
    let list: [JobProblem]
}

extension Substring {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : String(self)
    }
}
