import CoreMetrics
import Synchronization

/// A floating-point number that many threads add to: its bits in one atomic word.
struct AtomicDouble: ~Copyable, Sendable {
    private let bits = Atomic<UInt64>(0)

    var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func store(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    func add(_ amount: Double) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let (done, current) = bits.weakCompareExchange(
                expected: old, desired: (Double(bitPattern: old) + amount).bitPattern, ordering: .relaxed)
            if done { return }
            old = current
        }
    }
}

/// A number that only rises.
final class CounterInstrument: CounterHandler, Sendable {
    private let count = Atomic<Int64>(0)

    var value: Double { Double(count.load(ordering: .relaxed)) }

    func increment(by amount: Int64) {
        // What falls is no counter; saturating at the end of the range is beyond any life of a process.
        if amount > 0 { count.wrappingAdd(amount, ordering: .relaxed) }
    }

    func reset() { count.store(0, ordering: .relaxed) }
}

/// A number that rises and falls.
final class GaugeInstrument: RecorderHandler, MeterHandler, Sendable {
    private let number = AtomicDouble()

    var value: Double { number.value }

    func set(_ value: Int64) { number.store(Double(value)) }
    func set(_ value: Double) { number.store(value) }
    func increment(by amount: Double) { number.add(amount) }
    func decrement(by amount: Double) { number.add(-amount) }
    func record(_ value: Int64) { number.store(Double(value)) }
    func record(_ value: Double) { number.store(value) }
}

/// Counts observations by size. An observation is a search among a dozen bounds and two atomic additions.
final class HistogramInstrument: TimerHandler, RecorderHandler, Sendable {
    /// One bucket's count; an array cannot hold atomics themselves.
    private final class Bucket: Sendable {
        let count = Atomic<UInt64>(0)
    }

    let bounds: [Double]
    private let buckets: [Bucket]
    private let total = AtomicDouble()

    init(bounds: [Double]) {
        self.bounds = bounds
        buckets = (0...bounds.count).map { _ in Bucket() }
    }

    func record(_ value: Double) {
        // Linear: a dozen comparisons in one cache line beat a binary search's mispredictions.
        let index = bounds.firstIndex { value <= $0 } ?? bounds.count
        buckets[index].count.wrappingAdd(1, ordering: .relaxed)
        total.add(value)
    }

    func record(_ value: Int64) { record(Double(value)) }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    /// Observations at most as large as each bound, then all of them; their sum. Taken bucket by bucket: rising is certain,
    /// and the last is the count that goes with them.
    var snapshot: (cumulative: [UInt64], sum: Double) {
        var running: UInt64 = 0
        let sum = total.value
        return (
            buckets.map { bucket in
                running += bucket.count.load(ordering: .relaxed)
                return running
            }, sum
        )
    }
}
