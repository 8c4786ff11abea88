import Core
import Store

/// Inbound calls of one workspace: those that wait, and whose messages are being written.
///
/// A batch goes beside those under way when enough wait for it (one of a few would cost more: most of what it takes the
/// database is the same for any size), or when they take long: somebody may hold the row of one of their contacts. But
/// what one sender wrote is never in two of them, and no message overtakes an earlier one of its sender: a call stays behind
/// while one of its senders is in a batch under way or in a call that stayed behind. So messages of a sender are stored in
/// the order in which they were accepted.
struct IngestQueue<Call> {
    struct Entry {
        let call: Call
        let senders: [IdentityKey]
        let since: ContinuousClock.Instant
    }

    struct Batch {
        let number: Int
        let calls: [Call]
        let messages: Int
    }

    /// Messages in one batch, unless one call alone has more: fewer while batches take long.
    private var size: BatchSize
    /// Batches at the same time.
    private let maximumUnderWay: Int
    /// What a call may wait for before it is late.
    private let lateness: Duration
    private var entries: [Entry] = []
    /// Messages that are worth a batch beside the one under way.
    static var worthwhile: Int { 24 }
    /// Seconds that batches under way are given before another goes beside them that is not full.
    static var patience: Double { 0.25 }
    /// Seconds that a batch should take at most.
    static var target: Double { 0.2 }
    /// Messages that a batch may always have.
    static var least: Int { 50 }
    /// Messages that wait.
    private(set) var count = 0
    /// How long batches take.
    private var durations: BatchQueue
    private var lastNumber = 0
    /// Batches under way, by number: when they began.
    private var underWay: [Int: ContinuousClock.Instant] = [:]
    /// Senders of the batches under way, each with its batch.
    private var busy: [IdentityKey: Int] = [:]

    init(maximumBatch: Int, maximumUnderWay: Int, lateness: Duration) {
        size = BatchSize(min(Self.least, maximumBatch)...maximumBatch, target: Self.target)
        self.maximumUnderWay = maximumUnderWay
        self.lateness = lateness
        durations = BatchQueue(batch: size.current)
    }

    /// - Parameter arrived: when the call came.
    mutating func add(_ call: Call, of senders: [IdentityKey], since arrived: ContinuousClock.Instant = .now) {
        entries.append(Entry(call: call, senders: senders, since: arrived))
        count += senders.count
    }

    /// Seconds until a call of these senders that comes now is written.
    func wait(for senders: [IdentityKey]) -> Double {
        if let blocking = senders.lazy.compactMap({ busy[$0] }).compactMap({ underWay[$0] }).min() {
            return durations.wait(behind: count, age: age(blocking))
        }
        if underWay.count < maximumUnderWay {
            // Those ahead wait for a sender's batch. What fits into the next one goes at once.
            guard count >= size.current else { return 0 }
            return durations.wait(behind: count - size.current, age: underWay.values.min().map(age))
        }
        return durations.wait(behind: count, age: underWay.values.max().map(age))
    }

    private func age(_ began: ContinuousClock.Instant) -> Double { began.duration(to: .now) / .seconds(1) }

    /// Whether a batch may begin now, as far as it does not depend on who sent what.
    var mayBegin: Bool {
        guard underWay.count < maximumUnderWay, count > 0 else { return false }
        guard let first = underWay.values.min() else { return true }
        return count >= min(size.current, Self.worthwhile) || age(first) >= Self.patience
    }

    /// A batch may become larger than it should, but not by a call that is larger than that alone: one that is not even half
    /// full costs nearly as much as a full one, and all who wait pay for it.
    private func fits(_ entry: Entry, beside messages: Int) -> Bool {
        messages + entry.senders.count <= size.current
            || (messages < size.current / 2 && entry.senders.count <= size.current)
    }

    /// Takes out who is late, as long as more wait than go at once: who came after them is answered in time only if they do
    /// not go first.
    mutating func takeLate() -> [Call] {
        var late = 0
        while count > size.current, entries[late].since.duration(to: .now) > lateness {
            count -= entries[late].senders.count
            late += 1
        }
        defer { entries.removeFirst(late) }
        return entries.prefix(late).map(\.call)
    }

    /// Takes out the calls of a batch that begins now; nil when none may.
    mutating func take() -> Batch? {
        guard mayBegin else { return nil }
        var taken: [Entry] = []
        var left: [Entry] = []
        var leftSenders: Set<IdentityKey> = []
        var messages = 0
        for (index, entry) in entries.enumerated() {
            if entry.senders.contains(where: { busy[$0] != nil || leftSenders.contains($0) }) {
                left.append(entry)
                leftSenders.formUnion(entry.senders)
            } else if taken.isEmpty || fits(entry, beside: messages) {
                taken.append(entry)
                messages += entry.senders.count
            } else {
                left += entries[index...]
                break
            }
        }
        guard !taken.isEmpty else { return nil }
        entries = left
        count -= messages
        lastNumber += 1
        underWay[lastNumber] = .now
        for entry in taken {
            for sender in entry.senders { busy[sender] = lastNumber }
        }
        return Batch(number: lastNumber, calls: taken.map(\.call), messages: messages)
    }

    /// A batch is written, or will never be.
    mutating func finished(_ batch: Batch) {
        if let began = underWay.removeValue(forKey: batch.number) {
            let seconds = age(began)
            durations.finished(after: seconds)
            size.finished(batch.messages, after: seconds)
            durations.batch = size.current
        }
        busy = busy.filter { $0.value != batch.number }
    }
}
