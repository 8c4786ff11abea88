import Synchronization

/// What stands in a line: it can be given up by its caller, and it can be told why nothing comes of it.
protocol LineJob: AnyObject, Sendable {
    /// Its caller has a result, or has gone.
    var isSettled: Bool { get }
    /// Whether it stands in the line now; written under the line's lock only.
    var isQueued: Bool { get }
    func setQueued(_ value: Bool)
    /// - Returns: whether the caller learned of it, and not of something earlier.
    @discardableResult
    func fail(_ error: PostgresError) -> Bool
}

/// The bounded line of callers before the connections of one kind.
///
/// A connection's thread takes what waits, or registers as idle and sleeps; a new caller wakes one idle thread. Both happen
/// under one lock, so no caller is left waiting beside a sleeping thread.
///
/// Where a connection can serve many at once, callers gather for one that is at work as long as its work is short: each
/// wake-up and round trip then serves more of them.
final class WaitingLine<Job: LineJob>: Sendable {
    struct Entry: Sendable {
        let job: Job
        let since: UInt64
        /// Times it was under way when a connection was lost.
        var losses = 0
        /// To be sent in a group of its own.
        var isAlone = false
    }

    enum Taken {
        case work([Entry])
        case nothing
        case closed
    }

    private enum Phase {
        case open, draining, closed
    }

    private struct State {
        var entries: [Entry] = []
        var head = 0
        /// Entries in the line whose callers have gone.
        var abandoned = 0
        var idle: [Int] = []
        /// Connections that were woken or are at work, and not (yet) found slow: they will soon take what waits.
        var prompt: Set<Int> = []
        var connected = 0
        /// Since when there is no connection.
        var awaySince: UInt64? = MonotonicTime.now
        var lastLoss: PostgresError?
        var phase = Phase.open
        var inFlight = 0
        var served: UInt64 = 0
        var refused: UInt64 = 0
        var losses: UInt64 = 0

        var waiting: Int { max(0, entries.count - head - abandoned) }

        func longestWait(at now: UInt64) -> Duration {
            guard head < entries.count else { return .zero }
            return .nanoseconds(Int64(clamping: MonotonicTime.passed(since: entries[head].since, at: now)))
        }

        mutating func compact() {
            if head == entries.count {
                entries.removeAll(keepingCapacity: entries.capacity < 8192)
                head = 0
            } else if head > 1024, head > entries.count / 2 {
                entries.removeFirst(head)
                head = 0
            }
        }
    }

    private let state = Mutex(State())
    private let wakers: [Waker]
    private let maximumWaiting: Int
    /// Callers who wait for a prompt connection before another one is woken for them; 1 where each needs one to itself.
    private let gathering: Int
    private let acquireTimeout: UInt64
    private let awayTimeout: UInt64

    init(wakers: [Waker], gathering: Int, configuration: DatabaseConfiguration) {
        self.gathering = gathering
        self.wakers = wakers
        maximumWaiting = configuration.maximumWaiting
        acquireTimeout = configuration.acquireTimeout.nanoseconds
        awayTimeout = configuration.awayTimeout.nanoseconds
    }

    // MARK: Callers

    /// - Parameter now: read before the line's lock is waited for.
    func enter(_ job: Job, at now: UInt64 = MonotonicTime.now) {
        var refusal: PostgresError?
        var wake: Int?
        state.withLock { state in
            guard !job.isSettled else { return }
            guard state.phase == .open else {
                refusal = PostgresError(.closed, message: "the database object is closed")
                return
            }
            if state.connected == 0, let away = state.awaySince,
                MonotonicTime.passed(since: away, at: now) > awayTimeout
            {
                refusal = WaitingLine.away(state.lastLoss)
            } else if state.waiting >= maximumWaiting {
                refusal =
                    state.connected == 0
                    ? WaitingLine.away(state.lastLoss)
                    : PostgresError(.overloaded, message: "\(state.waiting) callers wait already")
            }
            if refusal != nil {
                state.refused += 1
                return
            }
            job.setQueued(true)
            state.entries.append(Entry(job: job, since: now))
            if gathering == 1 || state.prompt.isEmpty || state.waiting > gathering * state.prompt.count {
                wake = WaitingLine.chooseIdle(&state)
            }
        }
        if let refusal { job.fail(refusal) } else if let wake { wakers[wake].wake() }
    }

    /// The caller goes. In the line it leaves a gap that counts for nothing; under way its result is discarded.
    func cancel(_ job: Job) {
        let error = PostgresError(.cancelled, message: "the caller's task was cancelled")
        state.withLock { state in
            if job.fail(error), job.isQueued { state.abandoned += 1 }
        }
    }

    // MARK: Connections' threads

    /// Takes up to `maximum` entries for one connection, which was or becomes idle when there are none.
    func take(_ connection: Int, upTo maximum: Int) -> Taken {
        state.withLock { state in
            if let index = state.idle.firstIndex(of: connection) { state.idle.remove(at: index) }
            var taken: [Entry] = []
            while state.head < state.entries.count, taken.count < maximum {
                let entry = state.entries[state.head]
                // What was under way at a loss may be its cause: nobody else goes along with it.
                if entry.losses > 0, !taken.isEmpty { break }
                state.head += 1
                entry.job.setQueued(false)
                if entry.job.isSettled { state.abandoned -= 1 } else { taken.append(entry) }
                if entry.losses > 0 { break }
            }
            state.compact()
            if !taken.isEmpty {
                state.inFlight += taken.count
                state.prompt.insert(connection)
                return .work(taken)
            }
            state.prompt.remove(connection)
            guard state.phase == .open else { return .closed }
            state.idle.append(connection)
            return .nothing
        }
    }

    /// What the connection is at takes longer: those who wait for it are given to another one.
    func foundSlow(_ connection: Int) {
        let wake = state.withLock { state -> Int? in
            state.prompt.remove(connection)
            return state.head < state.entries.count ? WaitingLine.chooseIdle(&state) : nil
        }
        if let wake { wakers[wake].wake() }
    }

    func finished(_ count: Int) {
        state.withLock { state in
            state.inFlight -= count
            state.served += UInt64(count)
        }
    }

    /// Puts entries that were under way back to the head of the line; where it is closed, they are told so.
    func putBack(_ entries: [Entry]) {
        var orphaned: [Entry] = []
        let wake = state.withLock { state -> Int? in
            state.inFlight -= entries.count
            guard state.phase != .closed else {
                orphaned = entries
                return nil
            }
            let living = entries.filter { !$0.job.isSettled }
            living.forEach { $0.job.setQueued(true) }
            state.entries.replaceSubrange(..<state.head, with: living)
            state.head = 0
            return living.isEmpty ? nil : WaitingLine.chooseIdle(&state)
        }
        fail(orphaned)
        if let wake { wakers[wake].wake() }
    }

    func connectionOpened() {
        state.withLock { state in
            state.connected += 1
            state.awaySince = nil
        }
    }

    func connectionLost(_ connection: Int, _ error: PostgresError) {
        var orphaned: [Entry] = []
        let wake = state.withLock { state -> Int? in
            if let index = state.idle.firstIndex(of: connection) { state.idle.remove(at: index) }
            state.prompt.remove(connection)
            state.connected -= 1
            state.losses += 1
            state.lastLoss = error
            if state.connected == 0 { state.awaySince = MonotonicTime.now }
            // At the end nobody connects again.
            if state.connected == 0, state.phase != .open { orphaned = WaitingLine.removeAll(&state) }
            // A caller may just have chosen this connection to wake.
            return state.head < state.entries.count ? WaitingLine.chooseIdle(&state) : nil
        }
        fail(orphaned)
        if let wake { wakers[wake].wake() }
    }

    func connectFailed(_ error: PostgresError) {
        state.withLock { $0.lastLoss = error }
    }

    // MARK: Time and end

    /// Fails those who have waited too long. Called a few times a second.
    func expire() {
        let now = MonotonicTime.now
        var expired: [Job] = []
        var error: PostgresError?
        state.withLock { state in
            let isAway = state.connected == 0
            let limit = isAway ? min(awayTimeout, acquireTimeout) : acquireTimeout
            while state.head < state.entries.count {
                let entry = state.entries[state.head]
                let isSettled = entry.job.isSettled
                guard isSettled || MonotonicTime.passed(since: entry.since, at: now) > limit else { break }
                state.head += 1
                entry.job.setQueued(false)
                if isSettled { state.abandoned -= 1 } else { expired.append(entry.job) }
            }
            state.compact()
            state.refused += UInt64(expired.count)
            guard !expired.isEmpty else { return }
            error =
                isAway
                ? WaitingLine.away(state.lastLoss)
                : PostgresError(.overloaded, message: "no connection became free in time")
        }
        if let error { expired.forEach { $0.fail(error) } }
    }

    /// No one may enter any more; those who wait are served where there are connections.
    func drain() {
        let orphaned = state.withLock { state -> [Entry] in
            guard state.phase == .open else { return [] }
            state.phase = .draining
            state.idle.removeAll()
            return state.connected == 0 ? WaitingLine.removeAll(&state) : []
        }
        fail(orphaned)
        wakers.forEach { $0.wake() }
    }

    /// Those who still wait are told so.
    func close() {
        fail(
            state.withLock { state in
                state.phase = .closed
                return WaitingLine.removeAll(&state)
            })
    }

    var isOpen: Bool { state.withLock { $0.phase == .open } }
    var isConnected: Bool { state.withLock { $0.connected > 0 } }
    var lastLoss: PostgresError? { state.withLock { $0.lastLoss } }

    var statistics: DatabaseStatistics.Lane {
        let now = MonotonicTime.now
        return state.withLock { state in
            DatabaseStatistics.Lane(
                connections: wakers.count, connected: state.connected, idle: state.idle.count, waiting: state.waiting,
                longestWait: state.longestWait(at: now), inFlight: state.inFlight, served: state.served,
                refused: state.refused, lostConnections: state.losses)
        }
    }

    private static func chooseIdle(_ state: inout State) -> Int? {
        guard let chosen = state.idle.popLast() else { return nil }
        state.prompt.insert(chosen)
        return chosen
    }

    private static func removeAll(_ state: inout State) -> [Entry] {
        let rest = Array(state.entries[state.head...])
        rest.forEach { $0.job.setQueued(false) }
        state.entries = []
        state.head = 0
        state.abandoned = 0
        return rest
    }

    private func fail(_ entries: [Entry]) {
        let error = PostgresError(.closed, message: "the database object is closed")
        entries.forEach { $0.job.fail(error) }
    }

    private static func away(_ loss: PostgresError?) -> PostgresError {
        PostgresError(.connection, message: loss.map { "no connection: \($0.message)" } ?? "not connected yet")
    }
}
