import ArgumentParser
import Core
import Foundation
import HTTPClient
import Logging

struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Sends the texts of a CSV file as messages of contacts, over HTTP, and tells what came of them.",
        discussion: """
            Each row's `text` becomes one message, sent to the channel's inbound endpoint. Then the command waits until \
            every conversation that it opened is assigned or in line, and prints what was sent, accepted and refused, \
            how runs ended, who got what, and how long it took from accepted to assigned.

            Every replay makes new message ids and new contacts; with --prefix the ids of an earlier one are used again, \
            and all of its messages are duplicates. A call that gets no answer, 429 or 5xx is repeated with the same \
            message id. Ends with 0 when nothing was refused and every conversation found its place, else with 1.

              set -a; . .switchboard/demo.env; set +a
              switchboard replay questions.csv --contacts 500 --rate 200
              switchboard replay questions.csv --rate max --concurrency 32
            """)

    @Argument(help: "A CSV file in UTF-8 (RFC 4180) with a header line that has a column text.")
    var file: String

    @Option(help: "The server. Default: SWITCHBOARD_URL, else http://127.0.0.1:8080.")
    var url: String?

    @Option(help: "A key of the workspace. Default: SWITCHBOARD_KEY, which keeps it out of the list of processes.")
    var key: String?

    @Option(help: "The channel's id. Default: SWITCHBOARD_CHANNEL.")
    var channel: String?

    @Option(help: "How many contacts the rows are spread over, in turn. Default: as many as rows.")
    var contacts: Int?

    @Option(help: ArgumentHelp("Messages a second, or max.", valueName: "rate|max"))
    var rate = "max"

    @Option(help: "Calls under way at once, 1 to 1000.")
    var concurrency = 16

    @Option(help: ArgumentHelp("How long to wait for the assignments: an ISO 8601 duration.", valueName: "duration"))
    var wait = "PT2M"

    @Option(help: "Begins the ids of messages and contacts. Default: new for every replay.")
    var prefix: String?

    func run() async throws {
        try await CommandFailure.reporting {
            let environment = ProcessInfo.processInfo.environment
            let inputs = try checked(environment)
            let reader = try CSVReader(try Self.contents(of: file))
            let plan = ReplayPlan(
                rows: try reader.column("text"), contacts: contacts,
                prefix: prefix ?? "replay-\(UUID().uuidString.prefix(8).lowercased())")
            guard !plan.messages.isEmpty else { throw CommandFailure("\(file) has no rows") }

            // The server to talk to was named by who started us.
            let client = HTTPClient(
                configuration: HTTPClientConfiguration(
                    allowPrivateNetworks: true, maximumConnections: concurrency,
                    maximumConnectionsPerHost: concurrency))
            let service = ReplayService(client: client, url: inputs.url, key: inputs.key)
            let replay = Replay(
                service: service, channel: inputs.channel, plan: plan, rate: inputs.rate,
                limits: Replay.Limits(concurrency: concurrency, settling: inputs.wait))
            let logger = Logger(label: "switchboard") { LineLogHandler(label: $0, format: .text, logLevel: .notice) }
            let result: ReplayResult
            do {
                result = try await Interruption.handling(logger: logger) { _ in try await replay.run() }
            } catch let failure as ReplayService.Failure {
                await client.close()
                throw CommandFailure("\(inputs.url): \(failure.kind)")
            } catch is CancellationError {
                await client.close()
                throw ExitCode(130)
            }
            await client.close()
            print(result.text)
            if !result.isComplete { throw ExitCode.failure }
        }
    }

    private struct Inputs {
        let url: String
        let key: String
        let channel: String
        let rate: ReplayRate
        let wait: Duration
    }

    /// Everything that is wrong with the arguments, at once.
    private func checked(_ environment: [String: String]) throws -> Inputs {
        var problems: [String] = []
        func given(_ value: String?, _ variable: String, _ flag: String, default fallback: String? = nil) -> String {
            if let value = value ?? environment[variable] ?? fallback, !value.isEmpty { return value }
            problems.append("\(flag) or \(variable) is needed")
            return ""
        }
        var url = given(url, "SWITCHBOARD_URL", "--url", default: "http://127.0.0.1:8080")
        while url.hasSuffix("/") { url.removeLast() }
        if !url.hasPrefix("http://"), !url.hasPrefix("https://") {
            problems.append("--url must begin with http:// or https://")
        }
        let key = given(key, "SWITCHBOARD_KEY", "--key")
        let channel = given(channel, "SWITCHBOARD_CHANNEL", "--channel")
        if !channel.isEmpty, UUID(uuidString: channel) == nil { problems.append("--channel must be a channel's id") }
        let rate = ReplayRate(rate)
        if rate == nil { problems.append("--rate must be a number above 0, or max") }
        let seconds = DurationText.parse(wait)
        if seconds == nil { problems.append("--wait must be an ISO 8601 duration such as PT2M") }
        if let contacts, contacts < 1 { problems.append("--contacts must be at least 1") }
        if !(1...1_000).contains(concurrency) { problems.append("--concurrency must be from 1 to 1000") }
        if let prefix, !(1...100).contains(prefix.utf8.count) { problems.append("--prefix must have 1 to 100 bytes") }
        guard problems.isEmpty, let rate, let seconds else {
            throw CommandFailure(problems.joined(separator: "\n  "), code: .validationFailure)
        }
        return Inputs(url: url, key: key, channel: channel, rate: rate, wait: .seconds(seconds))
    }

    private static func contents(of path: String) throws -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw CommandFailure("cannot read \(path): \(error.localizedDescription)")
        }
    }
}
