import CLibPQ
import Foundation

/// What a connection is for; decides settings and which server will do.
enum ConnectionPurpose: Sendable {
    case read, transaction, listen, notify, copy, admin
}

/// Keywords and values for libpq, made from the connection string and what Switchboard always sets.
struct ConnectionParameters: Sendable {
    let values: [String: String]
    /// Host, database and user, without password: for logs.
    let place: String

    /// - Throws: `.configuration` when the string cannot be read. The message does not repeat it: it may hold a password.
    init(_ configuration: DatabaseConfiguration, purpose: ConnectionPurpose) throws(PostgresError) {
        guard let parsed = ConnectionParameters.parse(configuration.url) else {
            throw PostgresError(
                .configuration,
                message: "the connection string cannot be read; expected "
                    + "postgresql://user:password@host:port/database or host=… port=… dbname=… user=…")
        }
        var values = parsed
        values["client_encoding"] = "UTF8"
        values["fallback_application_name"] = configuration.applicationName
        values["connect_timeout"] =
            values["connect_timeout"]
            ?? String(max(2, configuration.connectTimeout.milliseconds / 1000))
        // A peer that is gone without a word is noticed within about half a minute, in a read or a write.
        for (key, value) in [
            ("keepalives", "1"), ("keepalives_idle", "15"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "30000"),
        ] where values[key] == nil { values[key] = value }
        // The read lane is read-only by a setting, which "read-write" would take for a standby.
        values["target_session_attrs"] = purpose == .read ? configuration.readTarget.rawValue : "read-write"
        let options = ConnectionParameters.settings(configuration, purpose: purpose).sorted { $0.key < $1.key }
            .map { "-c \($0.key)=\(ConnectionParameters.escaped($0.value))" }
        values["options"] = ([values["options"]].compactMap { $0 } + options).joined(separator: " ")
        self.values = values
        place =
            "\(values["host"] ?? values["hostaddr"] ?? "local socket"):\(values["port"] ?? "5432")"
            + "/\(values["dbname"] ?? values["user"] ?? "") as \(values["user"] ?? "the system's user")"
    }

    private static func settings(
        _ configuration: DatabaseConfiguration, purpose: ConnectionPurpose
    ) -> [String: String] {
        var settings = [
            "timezone": "UTC", "datestyle": "ISO", "intervalstyle": "iso_8601", "bytea_output": "hex",
            "standard_conforming_strings": "on",
            // The server, too, notices a client that is gone; nothing on a local socket.
            "tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3",
            "synchronous_commit": purpose == .notify ? "off" : "on",
        ]
        settings.merge(configuration.settings) { $1 }
        // A migration or a COPY may last; a listener is idle by trade.
        let limited = purpose == .read || purpose == .transaction || purpose == .notify
        settings["statement_timeout"] = limited ? String(configuration.statementTimeout.milliseconds) : "0"
        settings["lock_timeout"] = limited ? String(configuration.lockTimeout.milliseconds) : "0"
        settings["idle_in_transaction_session_timeout"] = String(configuration.idleInTransactionTimeout.milliseconds)
        if purpose == .read || purpose == .transaction {
            // Planning each call for its values took a third of what a message costs, and by itself the server goes on doing so
            // for lists of one or two. A plan that is kept may have been made while a table was empty, and must not read all
            // of it later.
            settings["plan_cache_mode"] = "force_generic_plan"
            settings["enable_seqscan"] = "off"
        }
        if purpose == .transaction { settings["enable_mergejoin"] = "off" }
        // Reads of several callers share an implicit transaction: a write among them could be undone by a neighbour.
        if purpose == .read { settings["default_transaction_read_only"] = "on" }
        if let role = configuration.role { settings["role"] = role }
        return settings
    }

    /// The server splits `options` at blanks; a backslash protects what follows it.
    private static func escaped(_ value: String) -> String {
        value.reduce(into: "") { text, character in
            if character == " " || character == "\\" { text.append("\\") }
            text.append(character)
        }
    }

    static func parse(_ url: String) -> [String: String]? {
        var message: UnsafeMutablePointer<CChar>?
        defer { if let message { PQfreemem(message) } }
        guard let list = PQconninfoParse(url, &message) else { return nil }
        defer { PQconninfoFree(list) }
        var values: [String: String] = [:]
        var item = list
        while let keyword = item.pointee.keyword {
            if let value = item.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            item += 1
        }
        return values
    }
}
