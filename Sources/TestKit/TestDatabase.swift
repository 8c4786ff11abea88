import Foundation
import Logging
import Postgres
import Synchronization

/// What a test's database starts as; built once a server, then cloned.
public struct TestDatabaseTemplate: Sendable {
    /// Lower-case letters, digits and `_`; ends best in a hash of what `build` applies, since an existing template of that
    /// name is taken as it is.
    public let name: String
    let build: @Sendable (_ url: String) async throws -> Void

    /// - Parameter build: fills an empty database, and leaves no connection open.
    public init(name: String, build: @escaping @Sendable (_ url: String) async throws -> Void) {
        self.name = name
        self.build = build
    }

    /// A hash fit for the end of a name.
    public static func hash(_ parts: some Sequence<String>) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for part in parts {
            for byte in part.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            hash = (hash ^ 0xFF) &* 0x100_0000_01b3
        }
        return String(hash, radix: 16)
    }
}

/// Runs `body` with a database of its own on the shared server, dropped afterwards whatever happens.
///
/// Only a few run at a time; the others wait their turn.
///
/// - Parameter template: nil gives an empty database.
public func withTestDatabase<Value>(
    template: TestDatabaseTemplate? = nil, isolation: isolated (any Actor)? = #isolation,
    _ body: (_ url: String) async throws -> Value
) async throws -> Value {
    await TestDatabase.slots.acquire()
    defer { TestDatabase.slots.release() }
    let url = try await TestDatabase.create(template: template)
    do {
        let value = try await TestDatabase.$current.withValue(url) { try await body(url) }
        try await TestDatabase.drop(url)
        return value
    } catch {
        try? await TestDatabase.drop(url)
        throw error
    }
}

/// The databases of tests. A trait for Swift Testing is `provideScope` calling `withTestDatabase`, its test reading
/// `TestDatabase.current`.
public enum TestDatabase {
    /// The connection string of the database that the running test was given.
    @TaskLocal public static var current: String?

    /// Databases that exist at a time: each test holds a handful of connections and the machine has few cores.
    static let slots = Slots(max(4, ProcessInfo.processInfo.activeProcessorCount * 2))

    private static let prefix = "sbt_"
    private static let counter = Atomic<Int>(0)
    private static let templates = Mutex<[String: Task<String, any Error>]>([:])
    private static let ready = Mutex<Task<String, any Error>?>(nil)

    /// Makes a database; give it back with `drop`. `withTestDatabase` does both.
    public static func create(template: TestDatabaseTemplate? = nil) async throws -> String {
        let server = try await preparedServer()
        let source = try await template.asyncMap { try await TestDatabase.name(of: $0, server: server) } ?? "template0"
        let number = counter.add(1, ordering: .relaxed).newValue
        let name = "\(prefix)db_\(getpid())_\(number)_\(String(UInt32.random(in: .min ... .max), radix: 16))"
        try await make(name, from: source, server: server)
        return try url(of: name, server: server)
    }

    public static func drop(_ url: String) async throws {
        let server = try await preparedServer()
        guard let name = try ConnectionString(url)["dbname"], name.hasPrefix(prefix) else {
            throw TestClusterError("not a test's database")
        }
        try await admin(server).execute("DROP DATABASE IF EXISTS \(SQLIdentifier.quoted(name)) WITH (FORCE)")
    }

    /// A logger that is silent, for tests.
    public static var silentLogger: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }

    private static func make(_ name: String, from source: String, server: String) async throws {
        try await admin(server).execute(
            "CREATE DATABASE \(SQLIdentifier.quoted(name)) TEMPLATE \(SQLIdentifier.quoted(source)) ENCODING 'UTF8'")
        try await admin(server).execute(
            "COMMENT ON DATABASE \(SQLIdentifier.quoted(name)) IS '\(Int(Date().timeIntervalSince1970))'")
    }

    /// The server, once it is known to be fit and rid of what killed runs left.
    private static func preparedServer() async throws -> String {
        let task = ready.withLock { task in
            if let task { return task }
            let new = Task { () throws -> String in
                let server = try await TestCluster.shared()
                try refuseForeignHosts(server)
                try await dropStale(server)
                return server
            }
            task = new
            return new
        }
        return try await task.value
    }

    private static func refuseForeignHosts(_ server: String) throws {
        let foreign = try ConnectionString(server).hosts.filter {
            !$0.hasPrefix("/") && !$0.hasPrefix("@") && !["localhost", "127.0.0.1", "::1"].contains($0)
        }
        guard foreign.isEmpty else {
            throw TestClusterError("tests drop databases; they refuse the server \(foreign.joined(separator: ", "))")
        }
    }

    /// Databases older than a day, by the comment made at their birth.
    private static func dropStale(_ server: String) async throws {
        let rows = try await admin(server).execute(
            """
            SELECT datname FROM pg_database
            WHERE datname LIKE '\(prefix)%'
              AND CASE WHEN shobj_description(oid, 'pg_database') ~ '^[0-9]{1,12}$'
                       THEN shobj_description(oid, 'pg_database')::bigint < extract(epoch FROM now()) - 86400 END
            """)
        for name in try rows?.decode("datname", as: String.self) ?? [] {
            try await admin(server).execute("DROP DATABASE IF EXISTS \(SQLIdentifier.quoted(name)) WITH (FORCE)")
        }
    }

    /// The template's database, built by whoever needs it first.
    private static func name(of template: TestDatabaseTemplate, server: String) async throws -> String {
        let task = templates.withLock { templates in
            if let task = templates[template.name] { return task }
            let new = Task { try await build(template, server: server) }
            templates[template.name] = new
            return new
        }
        return try await task.value
    }

    /// Built under a name of its own and then renamed, so that another process sees it whole or not at all.
    private static func build(_ template: TestDatabaseTemplate, server: String) async throws -> String {
        let name = "\(prefix)tpl_\(template.name)"
        guard name.utf8.count <= 63 else { throw TestClusterError("the template's name is too long") }
        let known = try await admin(server).execute(
            "SELECT 1 FROM pg_database WHERE datname = '\(name.replacingOccurrences(of: "'", with: "''"))'")
        guard known?.isEmpty ?? true else { return name }
        let building = "\(prefix)db_building_\(getpid())_\(String(UInt32.random(in: .min ... .max), radix: 16))"
        try await make(building, from: "template0", server: server)
        do {
            try await template.build(try url(of: building, server: server))
            try await admin(server).execute(
                "ALTER DATABASE \(SQLIdentifier.quoted(building)) RENAME TO \(SQLIdentifier.quoted(name))")
        } catch {
            let wasFirst = (error as? PostgresError)?.sqlState != .duplicateDatabase
            try? await drop(try url(of: building, server: server))
            if wasFirst { throw error }
        }
        return name
    }

    private static func url(of database: String, server: String) throws -> String {
        var string = try ConnectionString(server)
        string["dbname"] = database
        return string.text
    }

    private static func admin(_ server: String) -> AdminConnection {
        Database.admin(DatabaseConfiguration(url: server), logger: silentLogger)
    }
}

/// A counting semaphore for tasks.
final class Slots: Sendable {
    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let state: Mutex<State>

    init(_ count: Int) { state = Mutex(State(free: count)) }

    func acquire() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state -> Bool in
                if state.free > 0 {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    func release() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if !state.waiting.isEmpty { return state.waiting.removeFirst() }
            state.free += 1
            return nil
        }
        next?.resume()
    }
}

extension Optional {
    fileprivate func asyncMap<Value>(_ transform: (Wrapped) async throws -> Value) async rethrows -> Value? {
        guard let value = self else { return nil }
        return try await transform(value)
    }
}
