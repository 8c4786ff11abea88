import Configuration

/// One setting: what it is called in the three places it can come from, what it holds and what it is for.
///
/// The table below is all there is: reading, help, `switchboard.json`'s unknown keys and the warning about unknown
/// environment variables go by it.
struct Setting: Sendable, Hashable {

    /// The path of the key in `switchboard.json`, dots between the levels.
    let key: String
    let environment: String
    /// Null where a flag would show the value to everybody who lists processes.
    let flag: String?
    let defaultText: String
    let help: String

    static let listen = Setting(
        key: "listen", environment: "SWITCHBOARD_LISTEN", flag: "--listen", defaultText: "127.0.0.1:8080",
        help: "Address and port to serve HTTP on; [::1]:8080 for IPv6, port 0 for any free one.")
    static let metricsListen = Setting(
        key: "metrics.listen", environment: "SWITCHBOARD_METRICS_LISTEN", flag: "--metrics-listen", defaultText: "off",
        help: "Address and port where any process answers monitoring: /metrics, /healthz and /readyz, without a key.")
    static let databaseURL = Setting(
        key: "database_url", environment: "DATABASE_URL", flag: nil, defaultText: "a private cluster",
        help: """
            PostgreSQL \(PostgresInstallation.minimumVersion) or newer: a URL or a libpq connection string, several \
            hosts allowed. Without it a private cluster runs in the state directory.
            """)
    static let root = Setting(
        key: "root", environment: "SWITCHBOARD_ROOT", flag: "--root", defaultText: "found beside the program",
        help: "The directory that holds sql/ and jobs/.")
    static let stateDirectory = Setting(
        key: "state_directory", environment: "SWITCHBOARD_STATE_DIRECTORY", flag: "--state-directory",
        defaultText: ".switchboard", help: "Where the private cluster and demo.env are kept.")
    static let logLevel = Setting(
        key: "log.level", environment: "SWITCHBOARD_LOG_LEVEL", flag: "--log-level", defaultText: "info",
        help: "trace, debug, info, notice, warning, error or critical.")
    static let logFormat = Setting(
        key: "log.format", environment: "SWITCHBOARD_LOG_FORMAT", flag: "--log-format", defaultText: "text",
        help: "text, or json: one object a line.")
    static let readConnections = Setting(
        key: "pool.read", environment: "SWITCHBOARD_POOL_READ", flag: nil, defaultText: "4",
        help: "Connections whose pipelines all reads share, 1 to 64.")
    static let transactionConnections = Setting(
        key: "pool.transaction", environment: "SWITCHBOARD_POOL_TRANSACTION", flag: nil, defaultText: "8",
        help: "Connections for transactions, one at a time each, 1 to 200.")
    static let databaseLimit = Setting(
        key: "database_limit", environment: "SWITCHBOARD_DATABASE_LIMIT", flag: nil, defaultText: "PT1M",
        help: "How long the start tries to reach the database before it gives up.")
    static let workerConcurrency = Setting(
        key: "worker.concurrency", environment: "SWITCHBOARD_WORKER_CONCURRENCY", flag: "--worker-concurrency",
        defaultText: "2",
        help: "Batches at the same time, 1 to 64; of one workspace's runs also over all workers together.")
    static let allowPrivateNetworks = Setting(
        key: "allow_private_networks", environment: "SWITCHBOARD_ALLOW_PRIVATE_NETWORKS",
        flag: "--allow-private-networks", defaultText: "false",
        help: "Let channels and webhooks reach loopback, private and link-local addresses.")
    static let allowedNetworks = Setting(
        key: "allowed_networks", environment: "SWITCHBOARD_ALLOWED_NETWORKS", flag: nil, defaultText: "none",
        help: "Addresses and blocks, separated by commas, that channels and webhooks may reach although private.")
    static let trustedProxies = Setting(
        key: "trusted_proxies", environment: "SWITCHBOARD_TRUSTED_PROXIES", flag: nil, defaultText: "none",
        help: "Addresses and blocks, separated by commas, of proxies whose X-Forwarded-For is believed.")
    static let shutdownLimit = Setting(
        key: "shutdown_limit", environment: "SWITCHBOARD_SHUTDOWN_LIMIT", flag: "--shutdown-limit",
        defaultText: "PT30S", help: "How long running requests and batches may take to finish after Ctrl-C or SIGTERM.")

    static let requestTimeout = Setting(
        key: "request_timeout", environment: "SWITCHBOARD_REQUEST_TIMEOUT", flag: nil, defaultText: "PT30S",
        help: "How long a request may take to arrive, and an answer to be taken.")
    static let idleTimeout = Setting(
        key: "idle_timeout", environment: "SWITCHBOARD_IDLE_TIMEOUT", flag: nil, defaultText: "PT1M15S",
        help: "How long a connection may stand open with nothing asked.")
    static let keyRate = Setting(
        key: "rate_limit.key", environment: "SWITCHBOARD_RATE_LIMIT_KEY", flag: nil, defaultText: "10000/PT10S",
        help: "Requests in a time of each key, or off.")
    static let channelRate = Setting(
        key: "rate_limit.channel", environment: "SWITCHBOARD_RATE_LIMIT_CHANNEL", flag: nil,
        defaultText: "20000/PT10S", help: "Requests in a time of each channel's token, or off.")
    static let workspaceRate = Setting(
        key: "rate_limit.workspace", environment: "SWITCHBOARD_RATE_LIMIT_WORKSPACE", flag: nil,
        defaultText: "30000/PT10S", help: "Requests in a time of a workspace's keys and channels together, or off.")
    static let failureRate = Setting(
        key: "rate_limit.failures", environment: "SWITCHBOARD_RATE_LIMIT_FAILURES", flag: nil,
        defaultText: "30/PT1M", help: "Wrong tokens in a time from one address (IPv6: one /64), or off.")

    static let all: [Setting] = [
        listen, metricsListen, databaseURL, root, stateDirectory, logLevel, logFormat, readConnections,
        transactionConnections, databaseLimit, workerConcurrency, allowPrivateNetworks, allowedNetworks, trustedProxies,
        shutdownLimit, requestTimeout, idleTimeout, keyRate, channelRate, workspaceRate, failureRate,
    ]

    /// Variables of ours that are no settings of the server.
    static let otherVariables: Set<String> = [
        "SWITCHBOARD_CONFIG", "SWITCHBOARD_URL", "SWITCHBOARD_KEY", "SWITCHBOARD_OPERATOR_KEY", "SWITCHBOARD_CHANNEL",
        "SWITCHBOARD_CRASH_AT",
    ]

    var absoluteKey: AbsoluteConfigKey { AbsoluteConfigKey(ConfigKey(key)) }

    /// The table as text, for the help.
    static var reference: String {
        all.map { setting in
            let names = [setting.key, setting.flag].compactMap(\.self).joined(separator: ", ")
            return "  \(setting.environment)  (\(names); default: \(setting.defaultText))\n" + wrapped(setting.help)
        }
        .joined(separator: "\n")
    }

    /// Set in by six columns and broken before the 80th, where the help would break it without setting it in.
    private static func wrapped(_ text: String) -> String {
        var lines = [""]
        for word in text.split(separator: " ") {
            let last = lines[lines.count - 1]
            if last.isEmpty {
                lines[lines.count - 1] = String(word)
            } else if last.count + 1 + word.count <= 73 {
                lines[lines.count - 1] += " \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines.map { "      \($0)" }.joined(separator: "\n")
    }
}
