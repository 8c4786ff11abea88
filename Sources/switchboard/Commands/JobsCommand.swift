import ArgumentParser
import Core
import Foundation
import Reports
import Store

extension ReportFormat: ExpressibleByArgument {}

struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "Lists report jobs and runs one over a window.",
        discussion: "A job is one file in jobs/. The scheduler runs those with a schedule by itself.",
        subcommands: [List.self, Run.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the jobs with their schedules, and what is wrong with broken files.",
            discussion: "Needs no database. Ends with 1 when a file is broken.")

        @OptionGroup(title: "Settings") var options: SettingsOptions

        func run() async throws {
            try await CommandFailure.reporting {
                let settings = try options.settings()
                let root = try RootDirectory.find(
                    given: settings.root, program: RootDirectory.program,
                    currentDirectory: FileManager.default.currentDirectoryPath)
                let library = try JobLibrary(directory: root.jobs)
                let rows = library.jobs.map { [$0.name, $0.scheduleText, $0.title] }
                print(StoreCommand.table(["NAME", "SCHEDULE", "TITLE"], rows))
                for problem in library.problems { print("broken: \(problem)") }
                if !library.problems.isEmpty { throw ExitCode.failure }
            }
        }
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Runs a job over the days from --from up to and without --to.",
            discussion: """
                Without --out the report goes to standard output. A file appears whole or not at all.

                  switchboard jobs run conversations --workspace Acme --from 2026-11-01 --to 2026-11-08
                  switchboard jobs run assignments --workspace Acme --from 2026-11-01 --to 2026-12-01 \\
                      --group-by agent --format json --out assignments.json
                """)

        @Argument(help: "The job, as jobs list shows it.")
        var job: String

        @Option(help: ArgumentHelp("The workspace.", valueName: "name|id"))
        var workspace: String

        @Option(help: ArgumentHelp("The first day.", valueName: "yyyy-mm-dd"))
        var from: String

        @Option(help: ArgumentHelp("The day after the last one.", valueName: "yyyy-mm-dd"))
        var to: String

        @Option(help: "The IANA time zone of these days. Default: the workspace's.")
        var timeZone: String?

        @Option(help: "day, source, channel, team or agent, as far as the job knows it. Default: the job's first.")
        var groupBy: String?

        @Option(help: "csv, json or html.")
        var format = ReportFormat.csv

        @Option(help: ArgumentHelp("A file to write instead of standard output.", valueName: "file"))
        var out: String?

        @OptionGroup(title: "Settings") var options: SettingsOptions

        func run() async throws {
            let (job, workspace, format, out) = (job, workspace, format, out)
            let parameters = ReportParameters(from: from, to: to, timeZone: timeZone, groupBy: groupBy)
            try await StoreCommand.run(options) { backend in
                let service = ReportService(
                    store: backend.store, jobs: try JobLibrary(directory: backend.root.jobs),
                    runner: ReportRunner(store: backend.store))
                let bytes = try await ElapsedTime.showing("running \(job)") {
                    try await service.run(job, workspace: workspace, parameters, as: format)
                }
                if let out {
                    try await ReportFile.write(bytes, to: out)
                } else {
                    FileHandle.standardOutput.write(Data(bytes))
                }
            }
        }
    }
}

/// Shows on a terminal that something goes on whose length nobody knows.
enum ElapsedTime {
    static func showing<Result: Sendable>(
        _ words: String, isTerminal: Bool = isatty(STDERR_FILENO) == 1, _ work: () async throws -> Result
    ) async rethrows -> Result {
        guard isTerminal else { return try await work() }
        let start = ContinuousClock.now
        let ticker = Task {
            while !Task.isCancelled {
                let seconds = Int((ContinuousClock.now - start).seconds)
                FileHandle.standardError.write(Data("\r\u{1B}[K\(words), \(seconds) s".utf8))
                try? await Task.sleep(for: .milliseconds(500))
            }
        }
        defer {
            ticker.cancel()
            FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
        }
        return try await work()
    }
}
