import ArgumentParser
import Foundation
import Logging

struct PostgresCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "postgres",
        abstract: "Runs the private PostgreSQL alone and prints how to connect to it.",
        discussion: """
            Starts the private cluster of the state directory (or uses it, when another switchboard runs it), prints \
            its connection string on one line and keeps it up until Ctrl-C. For psql, pg_dump and migrations by hand:

              switchboard postgres
              psql "$(switchboard postgres --print)"
            """)

    @Flag(help: "Print the connection string and end; for a cluster that is running already.")
    var print = false

    @OptionGroup(title: "Settings") var options: SettingsOptions

    func run() async throws {
        try await CommandFailure.reporting {
            let settings = try options.settings()
            let logger = Logger(label: "switchboard")
            if print {
                let (location, user) = try await ClusterLocation.find(state: settings.stateDirectory)
                guard let server = PostmasterFile.living(data: location.data) else {
                    throw CommandFailure("no PostgreSQL runs on \(location.data) (as \(user.name))")
                }
                Swift.print(EmbeddedPostgres.connectionString(server.socketDirectory))
                return
            }
            try await Interruption.handling(logger: logger) { interruption in
                var settings = settings
                settings.databaseURL = nil
                try await DatabaseAccess.with(settings, logger: logger) { url in
                    FileHandle.standardOutput.write(Data("\(url.revealed)\n".utf8))
                    let (asked, continuation) = AsyncStream<Void>.makeStream()
                    interruption.gracefully { continuation.finish() }
                    for await _ in asked {}
                }
            }
        }
    }
}
