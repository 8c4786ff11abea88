import CLibPQ
import Foundation
import Logging

/// One libpq connection in pipeline mode, used by the one thread that opened it.
///
/// Statements are queued with `send`, a group is ended with `sync`, and `receive` gives one outcome for each statement
/// and each sync, in order. Once `isLost`, only closing it makes sense.
final class Connection {
    enum Outcome {
        case rows(PostgresRows)
        case failed(PostgresError)
        /// Not executed: an earlier statement of the same group failed.
        case aborted
        case synced
    }

    private enum Slot {
        case prepare(Statement, name: String)
        case statement(Statement)
        case settings(Statement)
        case deallocate(Statement, name: String)
        case sync
    }

    let handle: OpaquePointer
    let waker: Waker?
    let logger: Logger
    private let socket: Int32
    private let notices: NoticeReceiver
    /// The server's own limit for a statement, in nanoseconds; 0 is none.
    var statementTimeout: UInt64
    private let silenceGrace: UInt64
    private var slots: [Slot] = []
    private var firstSlot = 0
    private var prepared = PreparedStatements()
    /// The error of a failed Parse, or of settings, which belongs to the statement behind it.
    private var earlierFailure: PostgresError?
    private var isBroken = false
    /// Called, once, when the server lets us wait for more than 2 ms.
    var whenSlow: (() -> Void)?
    private(set) var isLost = false
    /// Called when it is lost because nothing came from the server any more, as if the way to it had gone; before anybody
    /// learns of the loss.
    var whenSilent: (() -> Void)?

    /// Connects, blocking: call it on a thread of its own.
    init(
        _ parameters: ConnectionParameters, waker: Waker?, statementTimeout: Duration = .zero,
        silenceGrace: Duration = .zero, logger: Logger
    ) throws(PostgresError) {
        let handle = try Connection.connect(parameters)
        self.handle = handle
        self.waker = waker
        self.logger = logger
        socket = PQsocket(handle)
        self.statementTimeout = statementTimeout.nanoseconds
        self.silenceGrace = silenceGrace.nanoseconds
        notices = NoticeReceiver(logger)
        PQsetNoticeReceiver(handle, receiveNotice, Unmanaged.passUnretained(notices).toOpaque())
        guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else {
            throw PostgresError(.connection, message: lastMessage)
        }
    }

    deinit { PQfinish(handle) }

    var transactionStatus: PGTransactionStatusType { PQtransactionStatus(handle) }
    var backendProcessID: Int32 { PQbackendPID(handle) }

    // MARK: Sending

    /// Queues a statement, and its preparation where it is new here.
    ///
    /// - Parameter isolated: every statement of this pipeline has a sync of its own, so none may count on another's
    ///   preparation.
    func send(_ statement: Statement, _ binds: EncodedBinds, isolated: Bool = false) throws(PostgresError) {
        try queue(statement, binds, isolated: isolated)
        slots.append(.statement(statement))
    }

    /// Queues settings for what stands behind them, up to the end of the transaction. They have no outcome of their own:
    /// their error is that of the next statement.
    func set(_ settings: LocalSettings, isolated: Bool = false) throws(PostgresError) {
        try queue(settings.statement, settings.binds, isolated: isolated)
        slots.append(.settings(settings.statement))
    }

    private func queue(_ statement: Statement, _ binds: EncodedBinds, isolated: Bool) throws(PostgresError) {
        let name = statement.plan == .custom ? nil : try preparedName(statement, binds.types, isolated: isolated)
        let count = Int32(binds.count)
        let queued = binds.withPointers { at in
            if let name {
                PQsendQueryPrepared(handle, name, count, at.values, at.lengths, at.formats, 0)
            } else {
                withTypes(binds.types) {
                    PQsendQueryParams(handle, statement.sql, count, $0, at.values, at.lengths, at.formats, 0)
                }
            }
        }
        guard queued == 1 else { throw sendingFailed(statement) }
    }

    private func withTypes<Result>(_ types: [Oid], _ body: (UnsafePointer<Oid>?) -> Result) -> Result {
        types.isEmpty ? body(nil) : types.withUnsafeBufferPointer { body($0.baseAddress) }
    }

    /// Nil where the statement is to be sent unnamed.
    private func preparedName(
        _ statement: Statement, _ types: [Oid], isolated: Bool
    ) throws(PostgresError) -> String? {
        switch prepared.use(statement, types, isolated: isolated) {
        case .prepared(let name): return name
        case .unnamed: return nil
        case .unknown: break
        }
        if let (old, name) = prepared.removeLeastUsed() {
            guard PQsendQueryParams(handle, "DEALLOCATE \(name)", 0, nil, nil, nil, nil, 0) == 1 else {
                throw sendingFailed(old)
            }
            slots.append(.deallocate(old, name: name))
        }
        let name = prepared.add(statement, types)
        let queued = withTypes(types) { PQsendPrepare(handle, name, statement.sql, Int32(types.count), $0) }
        guard queued == 1 else { throw sendingFailed(statement) }
        slots.append(.prepare(statement, name: name))
        return name
    }

    private func sendingFailed(_ statement: Statement) -> PostgresError {
        isLost = true
        return PostgresError(.connection, message: lastMessage, statement: statement.name)
    }

    /// Ends a group: what stands before it is executed or, after a failure, skipped up to here.
    func sync() throws(PostgresError) {
        guard PQpipelineSync(handle) == 1 else {
            isLost = true
            throw PostgresError(.connection, message: lastMessage)
        }
        slots.append(.sync)
    }

    /// All statements are prepared anew at their next use.
    func forgetPrepared() { prepared.forgetAll() }

    func forgetPrepared(_ statement: Statement) { prepared.forget(statement) }

    // MARK: Receiving

    var hasOutstanding: Bool { firstSlot < slots.count }

    /// Whether `receive` would have to wait for the server.
    var mustWait: Bool { PQisBusy(handle) == 1 }

    /// The next outcome. Needs something outstanding.
    ///
    /// - Throws: only when the connection is lost.
    func receive() throws(PostgresError) -> Outcome {
        while firstSlot < slots.count {
            let slot = slots[firstSlot]
            let outcome: Outcome?
            switch slot {
            case .prepare(let statement, let name):
                try finishPrepare(statement, name: name)
                outcome = nil
            case .statement(let statement): outcome = try finish(statement)
            case .settings(let statement):
                try finishSettings(statement)
                outcome = nil
            case .deallocate(let statement, let name):
                try finishDeallocate(statement, name: name)
                outcome = nil
            case .sync:
                try finishSync()
                outcome = .synced
            }
            firstSlot += 1
            if firstSlot == slots.count {
                slots.removeAll(keepingCapacity: slots.capacity < 4096)
                firstSlot = 0
            }
            if let outcome { return outcome }
        }
        throw lost(PostgresError(.connection, message: "nothing is outstanding"))
    }

    private func finishPrepare(_ statement: Statement, name: String) throws(PostgresError) {
        let result = try nextResult(statement)
        defer { PQclear(result) }
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK:
            prepared.confirm(statement, name: name)
        case PGRES_PIPELINE_ABORTED: prepared.forget(statement)
        default:
            prepared.forget(statement)
            earlierFailure = try failure(result, statement)
        }
        try expectEnd(statement)
    }

    private func finishSettings(_ statement: Statement) throws(PostgresError) {
        let result = try nextResult(statement)
        defer { PQclear(result) }
        switch PQresultStatus(result) {
        case PGRES_TUPLES_OK, PGRES_PIPELINE_ABORTED: break
        default: earlierFailure = try failure(result, statement)
        }
        try expectEnd(statement)
    }

    private func finishDeallocate(_ statement: Statement, name: String) throws(PostgresError) {
        let result = try nextResult(statement)
        defer { PQclear(result) }
        // Skipped behind a failure.
        if PQresultStatus(result) != PGRES_COMMAND_OK { prepared.restore(statement, name: name) }
        try expectEnd(statement)
    }

    private func finish(_ statement: Statement) throws(PostgresError) -> Outcome {
        let result = try nextResult(statement)
        let outcome: Outcome
        switch PQresultStatus(result) {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
            outcome = .rows(rows(result, statement))
        case PGRES_PIPELINE_ABORTED:
            PQclear(result)
            outcome = earlierFailure.map { .failed($0) } ?? .aborted
            earlierFailure = nil
        default:
            defer { PQclear(result) }
            outcome = .failed(try failure(result, statement))
        }
        try expectEnd(statement)
        return outcome
    }

    private func rows(_ result: OpaquePointer, _ statement: Statement) -> PostgresRows {
        let columns: ResultColumns
        if PQnfields(result) == 0 {
            columns = .none
        } else if let known = prepared.columns(of: statement) {
            columns = known
        } else {
            columns = ResultColumns(result: result)
            prepared.keep(columns, of: statement)
        }
        return PostgresRows(storage: ResultStorage(result: result, statement: statement.name, columns: columns))
    }

    /// - Throws: when the error is the end of the connection.
    private func failure(_ result: OpaquePointer, _ statement: Statement?) throws(PostgresError) -> PostgresError {
        let error = PostgresError(result: result, statement: statement?.name)
        if error.kind == .connection { throw lost(error) }
        if error.isStalePlan, let statement { forgetPrepared(statement) }
        return error
    }

    private func expectEnd(_ statement: Statement) throws(PostgresError) {
        try waitWhileBusy()
        while let extra = PQgetResult(handle) {
            // COPY has no place in a pipeline; there is no way back from it.
            PQclear(extra)
            throw lost(
                PostgresError(.connection, message: "an answer that does not belong here", statement: statement.name))
        }
    }

    private func finishSync() throws(PostgresError) {
        let result = try nextResult(nil)
        defer { PQclear(result) }
        guard PQresultStatus(result) == PGRES_PIPELINE_SYNC else {
            throw lost(PostgresError(result: result, statement: nil).reclassified(as: .connection))
        }
        earlierFailure = nil
    }

    private func nextResult(_ statement: Statement?) throws(PostgresError) -> OpaquePointer {
        try waitWhileBusy()
        guard let result = PQgetResult(handle) else {
            throw lost(PostgresError(.connection, message: "an answer is missing", statement: statement?.name))
        }
        return result
    }

    // MARK: The socket

    /// Longest silence that is believed: met only when the server, or the way to it, is stuck, since its own time-outs end
    /// every statement. Answers of a pipeline may come all at its end; but one whose statements take longer together is
    /// given up, too: a way that has gone silent for good must not keep a connection for minutes.
    private var silenceLimit: UInt64 { statementTimeout == 0 ? 0 : statementTimeout + silenceGrace }

    /// Sends what is queued and reads until the next result is complete.
    func waitWhileBusy() throws(PostgresError) {
        if PQisBusy(handle) == 0 { return }
        let started = statementTimeout == 0 ? 0 : MonotonicTime.now
        while PQisBusy(handle) == 1 {
            guard !isBroken else { throw lost(PostgresError(.connection, message: lastMessage)) }
            let unsent = PQflush(handle)
            if unsent < 0 { isBroken = true }
            guard try waitForSocket(writing: unsent == 1, since: started) else { continue }
            // After a loss libpq still holds what arrived before, the server's last words among it.
            if PQconsumeInput(handle) == 0 { isBroken = true }
        }
    }

    /// Sends all that is queued, reading along so that neither side waits for the other.
    func flush() throws(PostgresError) {
        let started = statementTimeout == 0 ? 0 : MonotonicTime.now
        while true {
            let unsent = PQflush(handle)
            if unsent == 0 { return }
            guard unsent > 0 else { throw lost(PostgresError(.connection, message: lastMessage)) }
            if try waitForSocket(writing: true, since: started), PQconsumeInput(handle) == 0 {
                throw lost(PostgresError(.connection, message: lastMessage))
            }
        }
    }

    /// Whether the socket has something.
    private func waitForSocket(writing: Bool, since started: UInt64) throws(PostgresError) -> Bool {
        if let waker, waker.isInterrupted {
            throw lost(PostgresError(.connection, message: "broken off because the database object closes"))
        }
        let patience: Int32 = whenSlow != nil ? 2 : statementTimeout == 0 ? -1 : 1000
        let ready = pollOnce(writing: writing, milliseconds: patience)
        if ready { return true }
        whenSlow?()
        whenSlow = nil
        if statementTimeout > 0, MonotonicTime.passed(since: started) > silenceLimit {
            whenSilent?()
            throw lost(PostgresError(.connection, message: "the server has not answered beyond its own time-outs"))
        }
        return false
    }

    private func pollOnce(writing: Bool, milliseconds: Int32) -> Bool {
        let events = Int16(POLLIN) | (writing ? Int16(POLLOUT) : 0)
        var descriptors = (
            pollfd(fd: socket, events: events, revents: 0),
            pollfd(fd: waker?.descriptor ?? -1, events: Int16(POLLIN), revents: 0)
        )
        let count = withUnsafeMutablePointer(to: &descriptors) {
            $0.withMemoryRebound(to: pollfd.self, capacity: 2) { poll($0, waker == nil ? 1 : 2, milliseconds) }
        }
        guard count > 0 else { return false }
        if descriptors.1.revents != 0 { waker?.drain() }
        return descriptors.0.revents != 0
    }

    /// Sleeps while there is nothing to do, until woken, until the time is over, or until the server says something.
    ///
    /// - Throws: when that was its good-bye.
    func idle(milliseconds: Int32 = -1) throws(PostgresError) {
        guard pollOnce(writing: false, milliseconds: milliseconds) else { return }
        guard PQconsumeInput(handle) == 1, PQstatus(handle) == CONNECTION_OK else {
            throw lost(PostgresError(.connection, message: lastMessage))
        }
        // Takes notices and parameters out of the buffer.
        _ = PQisBusy(handle)
    }

    func lost(_ error: PostgresError) -> PostgresError {
        isLost = true
        return error
    }

    var lastMessage: String {
        let message = String(cString: PQerrorMessage(handle)).trimmedLine
        return message.isEmpty ? "the connection is lost" : message
    }
}
