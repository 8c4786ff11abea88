import ArgumentParser
import Core
import Engine
import Foundation
import Logging
import Postgres
import Store

/// Messages of new contacts through the ingest combiner, without HTTP.
struct InsertsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inserts", abstract: "Accepts messages, and prints one line of JSON.")

    @Option(help: "The database.") var url: String
    @Option(help: "The directory that holds sql/.") var root: String
    @Option(help: "The workspace's id.") var workspace: String
    @Option(help: "The channel's id.") var channel: String
    @Option(help: "Callers at the same time.") var callers: Int
    @Option(help: "How long.") var seconds: Double

    func run() async throws {
        guard let workspace = UUID(uuidString: workspace), let channel = UUID(uuidString: channel) else {
            throw ValidationError("workspace and channel are ids")
        }
        var logger = Logger(label: "inserts")
        logger.logLevel = .warning
        let statements = try StatementLibrary(directory: URL(fileURLWithPath: "\(root)/sql/queries"))
        var configuration = DatabaseConfiguration(url: url)
        configuration.role = "switchboard_api"
        let database = Database(configuration: configuration, logger: logger)
        try await database.start()
        let combiner = IngestCombiner(
            store: Store(database: database, statements: statements, logger: logger), logger: logger)
        // Another prefix each time, so that every contact is new.
        let run = UUID().uuidString
        let tally = try await Tally.of(callers: callers, seconds: seconds) { number in
            let name = "\(run)-\(number)"
            let message = InboundMessage(
                messageID: name, externalID: name, profile: ContactProfile(name: "Contact \(number)"),
                text: "Where is my new card? I have been waiting for it since last week, order \(number).")
            let results = try await combiner.accept([InboundEvent(channelID: channel, message: message)], in: workspace)
            guard results.first?.status == .accepted else { throw ValidationError("a message was not accepted") }
            return 1
        }
        await database.close()
        tally.print()
    }
}
