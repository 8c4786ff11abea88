import CLibPQ
import Dispatch
import Foundation
import Synchronization

/// Ends another thread's sleep in `poll(2)`, either to look for work or to break off what it waits for.
final class Waker: Sendable {
    let descriptor: Int32
    private let interrupted = Atomic<Bool>(false)

    init() throws(PostgresError) {
        descriptor = pq_event_open()
        guard descriptor >= 0 else {
            throw PostgresError(.connection, message: "no event descriptor: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    func wake() { pq_event_signal(descriptor) }

    func drain() { pq_event_drain(descriptor) }

    /// From now on every wait on this waker ends at once.
    func interrupt() {
        interrupted.store(true, ordering: .releasing)
        wake()
    }

    var isInterrupted: Bool { interrupted.load(ordering: .acquiring) }

    /// Sleeps until woken or until the time is over.
    func sleep(nanoseconds: UInt64) {
        var descriptors = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
        if poll(&descriptors, 1, Int32(clamping: nanoseconds / 1_000_000)) > 0 { drain() }
    }
}

/// Nanoseconds that only grow; for time-outs.
enum MonotonicTime {
    static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// What has passed since; nothing where `start` is the later one, as it may be when another thread read it while this one
    /// waited for a lock with `now` in its hand.
    static func passed(since start: UInt64, at now: UInt64 = MonotonicTime.now) -> UInt64 { now - min(start, now) }
}

/// Growing, jittered delays between attempts to connect.
struct Backoff {
    private let range: ClosedRange<Duration>
    private var attempts = 0

    init(_ range: ClosedRange<Duration>) { self.range = range }

    mutating func reset() { attempts = 0 }

    /// In nanoseconds.
    mutating func next() -> UInt64 {
        let ceiling = min(range.lowerBound.nanoseconds << UInt64(min(attempts, 20)), range.upperBound.nanoseconds)
        attempts += 1
        return UInt64.random(in: ceiling / 2...max(ceiling, 1))
    }
}

/// A thread of our own, for work that blocks; the group knows when it has ended.
func startThread(_ name: String, in group: DispatchGroup?, _ body: @escaping @Sendable () -> Void) {
    group?.enter()
    let thread = Thread {
        body()
        group?.leave()
    }
    thread.name = name
    thread.stackSize = 2 << 20
    thread.start()
}
