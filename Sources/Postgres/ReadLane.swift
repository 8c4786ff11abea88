import Synchronization

/// One caller's read.
final class ReadJob: LineJob {
    let statement: Statement
    let binds: EncodedBinds
    let settings: LocalSettings?
    let promise = Promise<PostgresRows, PostgresError>()
    private let queued = Atomic<Bool>(false)

    init(statement: Statement, binds: EncodedBinds, settings: LocalSettings?) {
        self.statement = statement
        self.binds = binds
        self.settings = settings
    }

    var isSettled: Bool { promise.isSettled }
    var isQueued: Bool { queued.load(ordering: .relaxed) }
    func setQueued(_ value: Bool) { queued.store(value, ordering: .relaxed) }
    func fail(_ error: PostgresError) -> Bool { promise.settle(.failure(error)) }
}

/// Sends many callers' reads in one pipeline and gives each its own result or error.
///
/// All statements before a sync share an implicit transaction, so one that fails takes the ones behind it along: those
/// are sent again, each with a sync of its own, in one more round trip. Reads alone may be repeated like that, which is
/// why these connections are read-only.
enum ReadLane {
    typealias Entry = WaitingLine<ReadJob>.Entry

    /// A statement that was under way at this many losses of a connection may be what causes them.
    private static let maximumLosses = 2

    static func serve(_ connection: Connection, _ entries: [Entry], line: WaitingLine<ReadJob>, index: Int) {
        connection.whenSlow = { line.foundSlow(index) }
        var round = grouped(entries)
        var retried: Set<ObjectIdentifier> = []
        while !round.isEmpty {
            var again: [Entry] = []
            var position = 0
            do {
                try send(round, on: connection)
                var finished: [(ReadJob, Result<PostgresRows, PostgresError>)] = []
                defer { handOver(&finished, line: line) }
                while connection.hasOutstanding {
                    if connection.mustWait { handOver(&finished, line: line) }
                    let outcome = try connection.receive()
                    if case .synced = outcome { continue }
                    var entry = round[position]
                    position += 1
                    switch outcome {
                    case .rows(let rows): finished.append((entry.job, .success(rows)))
                    case .failed(let error)
                    where error.isStalePlan && retried.insert(ObjectIdentifier(entry.job)).inserted:
                        again.append(entry)
                    case .failed(let error): finished.append((entry.job, .failure(error)))
                    case .aborted:
                        entry.isAlone = true
                        again.append(entry)
                    case .synced: break
                    }
                }
            } catch {
                lost(again + round[position...], error, line: line)
                return
            }
            round = again
        }
    }

    /// The server would take one plan for all values of an unnamed statement, too.
    private static let customPlan = LocalSettings(
        sql: """
            SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'on', true)
            """)

    private static func send(_ entries: [Entry], on connection: Connection) throws(PostgresError) {
        var isOpen = false
        var held: LocalSettings?
        for entry in entries {
            let settings = entry.job.settings
            let isPlanned = entry.job.statement.plan == .custom
            // Settings hold up to the sync, and nobody may run under a neighbour's.
            let isByItself = entry.isAlone || isPlanned
            if isOpen, isByItself || (settings == nil && held != nil) {
                try connection.sync()
                isOpen = false
            }
            if !isOpen { held = nil }
            if let settings, settings != held { try connection.set(settings, isolated: entry.isAlone) }
            if isPlanned { try connection.set(customPlan, isolated: entry.isAlone) }
            held = settings
            try connection.send(entry.job.statement, entry.job.binds, isolated: entry.isAlone)
            if isByItself { try connection.sync() }
            isOpen = !isByItself
        }
        if isOpen { try connection.sync() }
    }

    /// Reads of equal settings next to each other, so that these are sent once, and those without any in front.
    private static func grouped(_ entries: [Entry]) -> [Entry] {
        guard let first = entries.first, entries.contains(where: { $0.job.settings != first.job.settings }) else {
            return entries
        }
        var groups = Dictionary(grouping: entries, by: \.job.settings)
        let without = groups.removeValue(forKey: nil) ?? []
        return groups.values.reduce(into: without) { $0 += $1 }
    }

    private static func handOver(
        _ finished: inout [(ReadJob, Result<PostgresRows, PostgresError>)], line: WaitingLine<ReadJob>
    ) {
        guard !finished.isEmpty else { return }
        line.finished(finished.count)
        for (job, result) in finished { job.promise.settle(result) }
        finished.removeAll(keepingCapacity: true)
    }

    private static func lost(_ entries: [Entry], _ error: PostgresError, line: WaitingLine<ReadJob>) {
        var back: [Entry] = []
        var given = 0
        for var entry in entries {
            entry.losses += 1
            entry.isAlone = true
            if entry.losses < maximumLosses {
                back.append(entry)
            } else {
                given += 1
                _ = entry.job.fail(error)
            }
        }
        line.finished(given)
        line.putBack(back)
    }
}
