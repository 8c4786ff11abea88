import Addresses
import Configuration
import Core
import Foundation
import Logging

/// Everything that can be configured, read once at the start: flags win over environment over file.
struct Settings: Sendable {
    var listen = ListenAddress(host: "127.0.0.1", port: 8080)
    /// Where monitoring is answered; null: nowhere.
    var metricsListen: ListenAddress?
    /// Null: run the private cluster in the state directory.
    var databaseURL: Secret?
    /// As given; ``RootDirectory/find(given:program:currentDirectory:)`` decides.
    var root: String?
    var stateDirectory = ""
    var logLevel = Logger.Level.info
    var logFormat = LogFormat.text
    var readConnections = 4
    var transactionConnections = 8
    var databaseLimit = Duration.seconds(60)
    var workerConcurrency = 2
    var allowPrivateNetworks = false
    var allowedNetworks: [AddressRange] = []
    var trustedProxies: [AddressRange] = []
    var shutdownLimit = Duration.seconds(30)
    var requestTimeout = Duration.seconds(30)
    var idleTimeout = Duration.seconds(75)
    var rateLimits = RateLimits.defaults

    /// What looks like a mistake and is none for sure, for the log.
    var warnings: [String] = []

    /// Reads and checks all of it.
    ///
    /// - Parameters:
    ///   - configuration: the file named by `--config`, which must exist; else `SWITCHBOARD_CONFIG`, which must exist
    ///     too; else `switchboard.json` of the current directory, which need not.
    ///   - logLevel: what is logged when nothing says otherwise.
    /// - Throws: every mistake at once.
    static func read(
        flags: [Setting: String], configuration: String?, environment: [String: String], currentDirectory: String,
        logLevel: Logger.Level = .info
    ) throws(SettingsError) -> Settings {
        var problems: [SettingProblem] = []
        let file = configurationFile(
            named: configuration ?? environment["SWITCHBOARD_CONFIG"].flatMap { $0.isEmpty ? nil : $0 },
            in: currentDirectory, &problems)
        var reader = SettingsReader(flags: flags, environment: environment, file: file)
        var settings = Settings()
        settings.logLevel = logLevel
        settings.listen =
            reader.parsed(.listen, "must be ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080") { ListenAddress($0) }
            ?? settings.listen
        settings.metricsListen = reader.parsed(
            .metricsListen, "must be ADDRESS:PORT, such as 127.0.0.1:9464"
        ) { ListenAddress($0) }
        settings.databaseURL = reader.parsed(
            .databaseURL,
            "must be a PostgreSQL URL (postgresql://user@host/database) or a connection string (host=… dbname=…)"
        ) { text in
            let isURL = text.hasPrefix("postgresql://") || text.hasPrefix("postgres://")
            return isURL || text.contains("=") ? Secret(text) : nil
        }
        settings.root = reader.text(.root)
        settings.stateDirectory = RootDirectory.absolute(
            reader.text(.stateDirectory) ?? Setting.stateDirectory.defaultText, in: currentDirectory)
        settings.logLevel =
            reader.parsed(.logLevel, "must be \(Setting.logLevel.help)") { Logger.Level(rawValue: $0.lowercased()) }
            ?? settings.logLevel
        settings.logFormat =
            reader.parsed(.logFormat, "must be text or json") { LogFormat(rawValue: $0.lowercased()) }
            ?? settings.logFormat
        settings.readConnections = reader.integer(.readConnections, in: 1...64, default: settings.readConnections)
        settings.transactionConnections = reader.integer(
            .transactionConnections, in: 1...200, default: settings.transactionConnections)
        settings.databaseLimit = reader.duration(.databaseLimit, default: settings.databaseLimit)
        settings.workerConcurrency = reader.integer(
            .workerConcurrency, in: 1...64, default: settings.workerConcurrency)
        settings.allowPrivateNetworks = reader.bool(.allowPrivateNetworks, default: settings.allowPrivateNetworks)
        let ranges = "must be addresses or blocks such as 10.0.0.0/8, separated by commas"
        settings.allowedNetworks =
            reader.parsed(.allowedNetworks, ranges) { addressRanges($0) } ?? settings.allowedNetworks
        settings.trustedProxies =
            reader.parsed(.trustedProxies, ranges) { addressRanges($0) } ?? settings.trustedProxies
        settings.shutdownLimit = reader.duration(.shutdownLimit, default: settings.shutdownLimit)
        settings.requestTimeout = reader.duration(.requestTimeout, default: settings.requestTimeout)
        settings.idleTimeout = reader.duration(.idleTimeout, default: settings.idleTimeout)
        settings.rateLimits.key = reader.rateLimit(.keyRate, default: settings.rateLimits.key)
        settings.rateLimits.channel = reader.rateLimit(.channelRate, default: settings.rateLimits.channel)
        settings.rateLimits.workspace = reader.rateLimit(.workspaceRate, default: settings.rateLimits.workspace)
        settings.rateLimits.failures = reader.rateLimit(.failureRate, default: settings.rateLimits.failures)

        let known = Setting.otherVariables.union(Setting.all.map(\.environment))
        settings.warnings = environment.keys
            .filter { $0.hasPrefix("SWITCHBOARD_") && !$0.hasPrefix("SWITCHBOARD_TEST_") && !known.contains($0) }
            .sorted().map { "\($0) is set and means nothing to switchboard" }

        problems += reader.problems
        guard problems.isEmpty else { throw SettingsError(problems: problems) }
        return settings
    }

    /// Nil when one of them is none.
    private static func addressRanges(_ text: String) -> [AddressRange]? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let ranges = parts.compactMap { AddressRange($0.filter { $0 != " " })?.unmapped }
        return ranges.count == parts.count ? ranges : nil
    }

    private static func configurationFile(
        named given: String?, in currentDirectory: String, _ problems: inout [SettingProblem]
    ) -> (path: String, content: JSONSnapshot)? {
        let path = RootDirectory.absolute(given ?? "switchboard.json", in: currentDirectory)
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            if given == nil, !FileManager.default.fileExists(atPath: path) { return nil }
            problems.append(SettingProblem(name: path, message: "cannot be read"))
            return nil
        }
        guard let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
            let content = try? JSONSnapshot(
                data: data.bytes, providerName: path,
                parsingOptions: JSONSnapshot.ParsingOptions(
                    secretsSpecifier: .dynamic { key, _ in key == Setting.databaseURL.key }))
        else {
            problems.append(SettingProblem(name: path, message: "is not a JSON object"))
            return nil
        }
        let known = Set(Setting.all.map(\.key))
        for key in leaves(object, "").sorted() where !known.contains(key) {
            problems.append(
                SettingProblem(name: "\"\(key)\" in \(path)", message: "is no setting (see switchboard help serve)"))
        }
        return (path, content)
    }

    private static func leaves(_ object: [String: Any], _ prefix: String) -> [String] {
        object.flatMap { key, value in
            guard let nested = value as? [String: Any], !nested.isEmpty else { return [prefix + key] }
            return leaves(nested, "\(prefix)\(key).")
        }
    }
}

/// Every mistake in the configuration.
struct SettingsError: Error, Sendable, CustomStringConvertible {
    let problems: [SettingProblem]

    var description: String {
        let count = problems.count == 1 ? "a setting is wrong" : "\(problems.count) settings are wrong"
        return "\(count):\n" + problems.map { "  \($0)" }.joined(separator: "\n")
    }
}

extension Settings: CustomStringConvertible {
    /// What is in force, without secrets.
    var description: String {
        """
        listen                  \(listen)
        metrics.listen          \(metricsListen?.description ?? "off")
        database_url            \(databaseURL?.description ?? "none: a private cluster")
        root                    \(root ?? Setting.root.defaultText)
        state_directory         \(stateDirectory)
        log                     \(logLevel), \(logFormat)
        pool                    read \(readConnections), transaction \(transactionConnections)
        database_limit          \(databaseLimit)
        worker.concurrency      \(workerConcurrency)
        allow_private_networks  \(allowPrivateNetworks)
        allowed_networks        \(Self.text(allowedNetworks))
        trusted_proxies         \(Self.text(trustedProxies))
        shutdown_limit          \(shutdownLimit)
        request_timeout         \(requestTimeout)
        idle_timeout            \(idleTimeout)
        rate_limit              key \(Self.text(rateLimits.key)), channel \(Self.text(rateLimits.channel)), \
        workspace \(Self.text(rateLimits.workspace)), failures \(Self.text(rateLimits.failures))
        """
    }

    private static func text(_ limit: RateLimit?) -> String { limit?.description ?? "off" }

    private static func text(_ ranges: [AddressRange]) -> String {
        ranges.isEmpty ? "none" : ranges.map(\.description).joined(separator: ", ")
    }
}
