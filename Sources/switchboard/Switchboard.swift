import ArgumentParser

/// The command. Without a subcommand it prints its help.
@main
struct Switchboard: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "switchboard",
        abstract: "Answers the first message: routes it by a workflow, assigns an agent, reports what happened.",
        discussion: """
            Switchboard is a REST API, a background worker and a scheduler of report jobs over one PostgreSQL. Without \
            DATABASE_URL it makes and runs a PostgreSQL of its own in .switchboard/.

            To try it:           switchboard serve --demo
            As one process:      switchboard serve
            As several:          switchboard api, switchboard worker (any number), switchboard scheduler

            Settings come from flags, else from the environment, else from switchboard.json (or the file named by \
            --config or SWITCHBOARD_CONFIG). All mistakes are reported at once.

            \(Setting.reference)
            """,
        version: Observation.version,
        subcommands: [
            ServeCommand.self, APICommand.self, WorkerCommand.self, SchedulerCommand.self, MigrateCommand.self,
            WorkspacesCommand.self, KeysCommand.self, JobsCommand.self, ReplayCommand.self, GenerateCommand.self,
            CheckCommand.self, PostgresCommand.self,
        ])
}
