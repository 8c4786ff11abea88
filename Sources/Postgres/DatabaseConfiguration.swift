import Foundation

/// Where the database is and how it is used. Set what differs; every default says its reason.
public struct DatabaseConfiguration: Sendable {
    /// A libpq connection string: `postgresql://user:password@host1,host2/name?sslmode=…` or `host=… dbname=…`.
    public var url: String
    /// Shown in `pg_stat_activity` where the connection string names none.
    public var applicationName = "switchboard"
    /// The role that statements run as (`SET ROLE` at connect); nil stays the one that logged in.
    public var role: String?

    /// Connections whose pipelines all readers share. One carries over a hundred statements a round trip; more of them
    /// keep a slow statement from holding up the rest.
    public var readConnections = 4
    /// Connections for transactions, each used by one at a time.
    public var transactionConnections = 8
    /// Statements put into one pipeline at most: the bound for how much waits behind a slow one.
    public var readBatch = 128
    /// Callers that may wait for each kind of connection; one more fails at once with `.overloaded`.
    public var maximumWaiting = 4096

    /// How long a caller waits for its turn before it fails with `.overloaded`.
    public var acquireTimeout: Duration = .seconds(5)
    /// How long callers wait while there is no connection at all, before they fail with `.connection`: about a restart.
    public var awayTimeout: Duration = .seconds(1)
    /// `statement_timeout` of the server; zero is none.
    public var statementTimeout: Duration = .seconds(30)
    /// How long a server may be silent beyond `statementTimeout` before its connection is given up.
    public var silenceGrace: Duration = .seconds(5)
    /// `lock_timeout` of the server; zero is none.
    public var lockTimeout: Duration = .seconds(10)
    /// `idle_in_transaction_session_timeout` of the server; zero is none. Bodies of transactions wait for nothing but the
    /// server: whoever is silent for so long is cut off, and others wait for the locks.
    public var idleInTransactionTimeout: Duration = .seconds(10)
    /// Per host of the connection string; whole seconds, at least 2 (libpq's own minimum).
    public var connectTimeout: Duration = .seconds(5)
    /// How long `start()` goes on trying.
    public var startTimeout: Duration = .seconds(60)
    /// How long `close()` lets running work end before it breaks the connections.
    public var drainTimeout: Duration = .seconds(10)
    /// Waiting between attempts to connect: doubles from the first to the second, less a random part of up to a half.
    public var reconnectDelay: ClosedRange<Duration> = .milliseconds(100) ... .seconds(5)
    /// The shortest time between two rounds of NOTIFY; what comes in between is sent together.
    public var notifyInterval: Duration = .milliseconds(5)

    /// Where shared reads may go.
    public enum ReadTarget: String, Sendable {
        /// The primary: a reader sees what was committed before.
        case primary
        /// Any server of the connection string.
        case any
        /// A standby where there is one.
        case preferStandby = "prefer-standby"
    }
    public var readTarget = ReadTarget.primary

    /// Further server settings for every connection, such as `search_path`.
    public var settings: [String: String] = [:]

    public init(url: String) { self.url = url }
}

extension Duration {
    /// Saturates.
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0 else { return 0 }
        let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max / 2 : min(whole, .max / 2) + UInt64(max(attoseconds, 0) / 1_000_000_000)
    }
    var milliseconds: Int { Int(nanoseconds / 1_000_000) }
}
