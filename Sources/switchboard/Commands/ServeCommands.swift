import ArgumentParser
import Foundation
import Logging

/// The flags of a process that serves HTTP.
struct ListenOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where to serve HTTP; port 0 takes any free one.", valueName: "address:port"))
    var listen: String?

    @Option(
        help: ArgumentHelp("How long to finish what is under way after Ctrl-C, such as PT30S.", valueName: "duration"))
    var shutdownLimit: String?

    var flags: [Setting: String?] { [.listen: listen, .shutdownLimit: shutdownLimit] }
}

/// The flags of any process that runs until it is stopped.
struct ObservationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where to answer monitoring, without a key; such as 127.0.0.1:9464.", valueName: "address:port"))
    var metricsListen: String?

    var flags: [Setting: String?] { [.metricsListen: metricsListen] }
}

/// The flags of a process that works.
struct WorkerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Batches worked on at the same time, 1 to 64.", valueName: "number"))
    var workerConcurrency: String?

    @Flag(help: "Let channels reach loopback, private and link-local addresses.")
    var allowPrivateNetworks = false

    var flags: [Setting: String?] {
        [.workerConcurrency: workerConcurrency, .allowPrivateNetworks: allowPrivateNetworks ? "true" : nil]
    }
}

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Runs everything in one process: API, worker and scheduler.",
        discussion: """
            Pending migrations are applied first. Without DATABASE_URL a private PostgreSQL is made in the state \
            directory, or used when it runs already, and stopped last.

            The first Ctrl-C or SIGTERM stops in order: no new requests, running ones are answered, batches finished, \
            connections closed. The second stops at once.

            With --demo there is a workspace Demo with four teams, twelve agents who are online, a custom channel and a \
            published workflow, made once and kept; .switchboard/demo.env says how to reach it.

              switchboard serve --demo
              DATABASE_URL=postgresql://switchboard@db1,db2/switchboard?target_session_attrs=read-write switchboard serve
            """)

    @Flag(help: "Make a demo workspace, unless there is one, and print how to talk to it.")
    var demo = false

    @OptionGroup var listening: ListenOptions
    @OptionGroup var working: WorkerOptions
    @OptionGroup var observing: ObservationOptions
    @OptionGroup(title: "Settings") var options: SettingsOptions

    func run() async throws {
        let flags = listening.flags.merging(working.flags) { first, _ in first }
        try await ServerCommand(parts: .all, demo: demo).run(options, observing, flags)
    }
}

struct APICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api",
        abstract: "Runs the REST API alone.",
        discussion: """
            Any number of these share one database with any number of workers; they tell each other by NOTIFY what \
            there is to do. Pending migrations are applied first, by one of them.

              DATABASE_URL=… switchboard api --listen 0.0.0.0:8080
            """)

    @OptionGroup var listening: ListenOptions
    @OptionGroup var observing: ObservationOptions
    @OptionGroup(title: "Settings") var options: SettingsOptions

    func run() async throws {
        try await ServerCommand(parts: .api).run(options, observing, listening.flags)
    }
}

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Runs workflows, serves lines and delivers messages; any number of these.",
        discussion: """
            A worker may be killed at any point: what it had begun is taken up by another one, and nothing is done twice \
            but deliveries, which carry a key.

              DATABASE_URL=… switchboard worker --worker-concurrency 4
            """)

    @OptionGroup var working: WorkerOptions
    @OptionGroup var observing: ObservationOptions
    @OptionGroup(title: "Settings") var options: SettingsOptions

    func run() async throws {
        try await ServerCommand(parts: .worker).run(options, observing, working.flags)
    }
}

struct SchedulerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scheduler",
        abstract: "Runs the report jobs of every workspace by their schedules; any number of these.",
        discussion: """
            Each window of each job runs once per workspace, in the workspace's time zone, whatever crashes and however \
            many schedulers there are; what was missed is made up for. `switchboard jobs list` shows the jobs.

              DATABASE_URL=… switchboard scheduler
            """)

    @OptionGroup var observing: ObservationOptions
    @OptionGroup(title: "Settings") var options: SettingsOptions

    func run() async throws {
        try await ServerCommand(parts: .scheduler).run(options, observing, [:])
    }
}

/// What the four have in common.
private struct ServerCommand: Sendable {
    let parts: ServerParts
    var demo = false

    func run(
        _ options: SettingsOptions, _ observing: ObservationOptions, _ flags: [Setting: String?]
    ) async throws {
        try await CommandFailure.reporting {
            let flags = flags.merging(observing.flags) { first, _ in first }
            let settings = try options.settings(flags, logLevel: .info)
            let logger = Logger(label: "switchboard")
            logger.debug("settings\n\(settings)")
            let files = try ProgramFiles(settings)
            do {
                try await Interruption.handling(logger: logger) { interruption in
                    try await DatabaseAccess.with(settings, logger: logger) { url in
                        try await serve(settings, files, url, interruption, logger)
                    }
                }
            } catch is CancellationError {
                // Interrupted while starting: everything that was started is stopped.
            }
        }
    }

    private func serve(
        _ settings: Settings, _ files: ProgramFiles, _ url: Secret, _ interruption: Interruption, _ logger: Logger
    ) async throws {
        let server = Server(parts: parts, settings: settings, registry: Observation.bootstrap(), logger: logger)
        let demo = demo
        try await Backend.with(
            settings, files, url, logger: logger, size: .configured, schema: .migrated
        ) { backend in
            try await server.run(backend, interruption) { url in
                if demo { try await DemoWorkspace(backend.store, settings, logger).announce(url) }
            }
        }
    }
}
