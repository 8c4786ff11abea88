import CLibPQ

extension Connection {
    /// Runs SQL of any number of statements outside the pipeline. Nothing may be outstanding.
    ///
    /// - Returns: the rows of the last statement, nil for an empty text.
    func runScript(_ sql: String) throws(PostgresError) -> PostgresRows? {
        guard !sql.utf8.contains(0) else { throw PostgresError(.encoding, message: "the text contains NUL") }
        return try outsidePipeline { () throws(PostgresError) in
            guard PQsendQuery(handle, sql) == 1 else { throw lost(PostgresError(.connection, message: lastMessage)) }
            return try results(of: "script")
        }
    }

    /// Copies rows into a table by COPY in text format.
    func copyIn<Rows: Sequence>(_ table: String, columns: [String], rows: Rows) throws(PostgresError) -> Int
    where Rows.Element == [any PostgresBindable] {
        let names = columns.map(SQLIdentifier.quoted).joined(separator: ", ")
        let sql = "COPY \(SQLIdentifier.quotedPath(table)) (\(names)) FROM STDIN"
        return try outsidePipeline { () throws(PostgresError) in
            guard PQsendQuery(handle, sql) == 1 else { throw lost(PostgresError(.connection, message: lastMessage)) }
            try waitWhileBusy()
            guard let first = PQgetResult(handle) else { throw lost(PostgresError(.connection, message: lastMessage)) }
            let status = PQresultStatus(first)
            let refusal = status == PGRES_COPY_IN ? nil : PostgresError(result: first, statement: "copy \(table)")
            PQclear(first)
            if let refusal {
                _ = try? results(of: "copy \(table)")
                throw refusal
            }
            var encoder = CopyEncoder()
            var encodingError: PostgresError?
            do throws(PostgresError) {
                for row in rows {
                    try encoder.append(row, statement: "copy \(table)")
                    if encoder.bytes.count >= 1 << 16 { try put(&encoder.bytes) }
                }
                try put(&encoder.bytes)
            } catch {
                guard error.kind == .encoding else { throw error }
                encodingError = error
            }
            // An end with a message makes the server give up the whole COPY.
            while true {
                let sent = PQputCopyEnd(handle, encodingError == nil ? nil : "a row cannot be encoded")
                guard sent >= 0 else { throw lost(PostgresError(.connection, message: lastMessage)) }
                if sent == 1 { break }
                try flush()
            }
            do throws(PostgresError) {
                let rows = try results(of: "copy \(table)")
                if let encodingError { throw encodingError }
                return rows?.affected ?? 0
            } catch {
                throw encodingError ?? error
            }
        }
    }

    private func put(_ bytes: inout [UInt8]) throws(PostgresError) {
        guard !bytes.isEmpty else { return }
        while true {
            let sent = bytes.withUnsafeBytes { memory in
                PQputCopyData(handle, memory.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(memory.count))
            }
            guard sent >= 0 else { throw lost(PostgresError(.connection, message: lastMessage)) }
            try flush()
            if sent == 1 { break }
        }
        bytes.removeAll(keepingCapacity: true)
    }

    /// Reads to the end of a simple query.
    private func results(of name: String) throws(PostgresError) -> PostgresRows? {
        var failure: PostgresError?
        var last: PostgresRows?
        while true {
            try waitWhileBusy()
            guard let result = PQgetResult(handle) else { break }
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK:
                let columns = PQnfields(result) == 0 ? ResultColumns.none : ResultColumns(result: result)
                last = PostgresRows(storage: ResultStorage(result: result, statement: name, columns: columns))
            case PGRES_EMPTY_QUERY: PQclear(result)
            case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
                PQclear(result)
                throw lost(PostgresError(.connection, message: "COPY cannot be part of a script", statement: name))
            default:
                let error = PostgresError(result: result, statement: name)
                PQclear(result)
                if error.kind == .connection { throw lost(error) }
                if failure == nil { failure = error }
            }
        }
        if let failure { throw failure }
        return last
    }

    private func outsidePipeline<Result>(_ body: () throws(PostgresError) -> Result) throws(PostgresError) -> Result {
        guard PQexitPipelineMode(handle) == 1 else { throw lost(PostgresError(.connection, message: lastMessage)) }
        defer {
            if !isLost, PQenterPipelineMode(handle) != 1 {
                _ = lost(PostgresError(.connection, message: lastMessage))
            }
        }
        return try body()
    }
}

/// Rows in COPY's text format.
struct CopyEncoder {
    var bytes: [UInt8] = []
    private var value: [UInt8] = []

    mutating func append(_ row: [any PostgresBindable], statement: String) throws(PostgresError) {
        for (index, bind) in row.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: "\t")) }
            value.removeAll(keepingCapacity: true)
            if bind.appendPostgresText(to: &value) {
                try escape(statement)
            } else {
                bytes.append(contentsOf: "\\N".utf8)
            }
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    private mutating func escape(_ statement: String) throws(PostgresError) {
        for byte in value {
            switch byte {
            case UInt8(ascii: "\\"): bytes.append(contentsOf: "\\\\".utf8)
            case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
            case UInt8(ascii: "\r"): bytes.append(contentsOf: "\\r".utf8)
            case UInt8(ascii: "\t"): bytes.append(contentsOf: "\\t".utf8)
            case 0: throw PostgresError(.encoding, message: "a value contains NUL", statement: statement)
            default: bytes.append(byte)
            }
        }
    }
}

/// Names inside SQL text.
public enum SQLIdentifier {
    /// In double quotes, fit for any name.
    public static func quoted(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    /// `schema.table`, each part quoted.
    public static func quotedPath(_ path: String) -> String {
        path.split(separator: ".", omittingEmptySubsequences: false).map { quoted(String($0)) }.joined(separator: ".")
    }
}
