import CLibPQ
import Foundation
import Logging

/// Connections made for one piece of work each, on a thread of its own, without limits on a statement's time: for creating
/// databases, for migrations.
public struct AdminConnection: Sendable {
    public let configuration: DatabaseConfiguration
    private let logger: Logger

    init(configuration: DatabaseConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Runs SQL of any number of statements by itself; what cannot be in a transaction must stand alone.
    ///
    /// - Returns: the rows of the last statement, nil for an empty text.
    @discardableResult
    public func execute(_ sql: String) async throws(PostgresError) -> PostgresRows? {
        do {
            return try await DedicatedConnection(configuration, purpose: .admin, logger: logger)
                .run { try $0.runScript(sql) }
        } catch {
            throw PostgresError(wrapping: error)
        }
    }

    /// Runs a body on a connection's thread; what the session holds (advisory locks, settings) ends with it.
    @discardableResult
    public func session<Value: Sendable>(
        _ body: @escaping @Sendable (PostgresSession) throws -> Value
    ) async throws -> Value {
        try await DedicatedConnection(configuration, purpose: .admin, logger: logger)
            .run { try body(PostgresSession($0)) }
    }
}

/// A connection to oneself, used inside the body it was made for.
public final class PostgresSession {
    private let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    /// The server's version as a number: 150018 is 15.18.
    public var serverVersion: Int { Int(PQserverVersion(connection.handle)) }

    /// Runs one statement by itself.
    @discardableResult
    public func query(_ statement: Statement, _ binds: [any PostgresBindable] = []) throws(PostgresError)
        -> PostgresRows
    {
        let encoded = try EncodedBinds(binds, statement: statement.name)
        var hasRepeated = false
        while true {
            try connection.send(statement, encoded)
            try connection.sync()
            var failure: PostgresError?
            var rows: PostgresRows?
            while connection.hasOutstanding {
                switch try connection.receive() {
                case .rows(let result): rows = result
                case .failed(let error): failure = error
                case .aborted, .synced: break
                }
            }
            if let rows, failure == nil { return rows }
            let error = failure ?? PostgresError(.server, message: "no answer", statement: statement.name)
            guard error.isStalePlan, !hasRepeated else { throw error }
            hasRepeated = true
        }
    }

    /// Runs SQL of any number of statements by itself.
    @discardableResult
    public func execute(_ sql: String) throws(PostgresError) -> PostgresRows? { try connection.runScript(sql) }

    /// Runs a body in a transaction of this session.
    @discardableResult
    public func transaction<Value>(
        _ options: TransactionOptions = TransactionOptions(), _ body: (PostgresTransaction) throws -> Value
    ) throws -> Value {
        try connection.transaction(options, body)
    }
}

/// Opens a connection on a new thread, does one thing and closes it.
struct DedicatedConnection {
    private let configuration: DatabaseConfiguration
    private let purpose: ConnectionPurpose
    private let logger: Logger

    init(_ configuration: DatabaseConfiguration, purpose: ConnectionPurpose, logger: Logger) {
        self.configuration = configuration
        self.purpose = purpose
        self.logger = logger
    }

    /// A caller that is cancelled does not wait any longer, and its connection is broken off.
    func run<Value: Sendable>(_ body: @escaping @Sendable (Connection) throws -> Value) async throws -> Value {
        let parameters = try ConnectionParameters(configuration, purpose: purpose)
        let waker = try Waker()
        let promise = Promise<Value, any Error>()
        let logger = logger
        return try await promise.wait(
            begin: {
                startThread("postgres-\(purpose)", in: nil) {
                    promise.settle(
                        Result {
                            let connection = try Connection(parameters, waker: waker, logger: logger)
                            return try body(connection)
                        })
                }
            },
            cancelled: {
                waker.interrupt()
                promise.settle(.failure(PostgresError(.cancelled, message: "the caller's task was cancelled")))
            }
        ).get()
    }
}
