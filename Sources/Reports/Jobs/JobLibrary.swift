import Foundation

/// The jobs of a folder: one `.sql` file each. A broken file is named in `problems`; the others go on.
public struct JobLibrary: Sendable {
    /// Sorted by name.
    public let jobs: [Job]
    /// What is wrong with files that are left out.
    public let problems: [JobProblem]

    /// Reads every `.sql` file of the folder.
    /// - Throws: only when the folder itself cannot be read.
    public init(directory: URL) throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
            .filter { $0.hasSuffix(".sql") && !$0.hasPrefix(".") }.sorted()
        var texts: [(file: String, text: String)] = []
        var problems: [JobProblem] = []
        for file in files {
            do {
                let bytes = try Data(contentsOf: directory.appendingPathComponent(file))
                if let text = String(validating: bytes, as: UTF8.self) {
                    texts.append((file, text))
                } else {
                    problems.append(JobProblem(file: file, line: nil, reason: "not valid UTF-8"))
                }
            } catch {
                problems.append(
                    JobProblem(file: file, line: nil, reason: "cannot be read: \(error.localizedDescription)"))
            }
        }
        self.init(texts: texts, problems: problems)
    }

    init(texts: [(file: String, text: String)], problems: [JobProblem] = []) {
        var jobs: [Job] = []
        var problems = problems
        for (file, text) in texts {
            switch JobFile.parse(text, file: file) {
            case .success(let job): jobs.append(job)
            case .failure(let found): problems.append(contentsOf: found.list)
            }
        }
        self.jobs = jobs.sorted { $0.name < $1.name }
        self.problems = problems
    }

    /// The job of that name.
    /// - Throws: `JobNotFound`, with what is wrong with its file when it is a broken one.
    public func job(_ name: String) throws(JobNotFound) -> Job {
        if let job = jobs.first(where: { $0.name == name }) { return job }
        throw JobNotFound(
            name: name, problems: problems.filter { $0.file == "\(name).sql" }, known: jobs.map(\.name))
    }
}

/// There is no such job, or its file is broken.
public struct JobNotFound: Error, Sendable, CustomStringConvertible {
    public let name: String
    /// What is wrong with the file of that name; empty when there is none.
    public let problems: [JobProblem]
    /// The jobs that there are.
    public let known: [String]

    public var description: String {
        if problems.isEmpty { return "there is no job “\(name)”; there are: \(known.joined(separator: ", "))" }
        return "the file of job “\(name)” is broken:\n" + problems.map(\.description).joined(separator: "\n")
    }
}
