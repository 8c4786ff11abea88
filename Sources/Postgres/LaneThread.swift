import Logging

/// The life of one connection's thread: connect, serve until lost, connect again, for ever.
struct LaneThread<Job: LineJob>: Sendable {
    let index: Int
    let line: WaitingLine<Job>
    let waker: Waker
    let parameters: ConnectionParameters
    let configuration: DatabaseConfiguration
    let logger: Logger
    let maximumTaken: Int
    let silence: Silence
    /// Does the work taken and gives every entry its end, or puts it back when the connection is lost.
    let serve: @Sendable (Connection, [WaitingLine<Job>.Entry]) -> Void

    func run() {
        var backoff = Backoff(configuration.reconnectDelay)
        var failures = 0
        while line.isOpen, !waker.isInterrupted {
            do {
                let connection = try Connection(
                    parameters, waker: waker, statementTimeout: configuration.statementTimeout,
                    silenceGrace: configuration.silenceGrace, logger: logger)
                if failures > 0 { logger.info("connected to \(parameters.place) again after \(failures) attempts") }
                backoff.reset()
                failures = 0
                line.connectionOpened()
                let loss = work(on: connection)
                line.connectionLost(index, loss ?? PostgresError(.closed, message: "closed"))
                guard let loss else { return }
                logger.warning("lost a connection to \(parameters.place): \(loss)")
            } catch {
                line.connectFailed(error)
                // One voice for all connections, and not at every attempt.
                let isWorthSaying = index == 0 && failures % 10 == 9
                failures += 1
                logger.log(level: isWorthSaying ? .warning : .debug, "cannot connect to \(parameters.place): \(error)")
                waker.sleep(nanoseconds: backoff.next())
            }
        }
    }

    /// Returns why the connection cannot be used any more; nil at the end of all work.
    private func work(on connection: Connection) -> PostgresError? {
        connection.whenSilent = { silence.found() }
        var heard = MonotonicTime.now
        while true {
            switch line.take(index, upTo: maximumTaken) {
            case .work(let entries):
                if silence.isSuspected(heard) {
                    line.putBack(entries)
                    return PostgresError(.connection, message: "another connection found the server silent")
                }
                serve(connection, entries)
                if connection.isLost { return PostgresError(.connection, message: connection.lastMessage) }
                heard = MonotonicTime.now
            case .nothing:
                do { try connection.idle() } catch { return error }
            case .closed: return nil
            }
        }
    }
}
