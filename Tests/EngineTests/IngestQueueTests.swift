import Core
import Foundation
import Store
import Testing

@testable import Engine

/// Which calls may go into a batch, without a database.
@Suite struct IngestQueueTests {
    private static let channel = UUID()

    private static func sender(_ name: String) -> IdentityKey {
        IdentityKey(
            event: InboundEvent(channelID: channel, message: InboundMessage(messageID: "", externalID: name, text: "")))
    }

    private static func queue(_ calls: [String], batch: Int = 10) -> IngestQueue<String> {
        var queue = IngestQueue<String>(maximumBatch: batch, maximumUnderWay: 2, lateness: .seconds(1))
        for call in calls { queue.add(call, of: call.map { Self.sender("\($0)") }) }
        return queue
    }

    private func take(_ queue: inout IngestQueue<String>) throws -> IngestQueue<String>.Batch {
        let batch = queue.take()
        return try #require(batch)
    }

    private func expect(_ calls: [String], from batch: IngestQueue<String>.Batch) { #expect(batch.calls == calls) }

    private func expectNone(_ queue: inout IngestQueue<String>) {
        let batch = queue.take()
        #expect(batch == nil)
    }

    /// Few wait for the batch under way; enough for one of their own do not.
    @Test func aSecondBatchGoesWhenEnoughWait() throws {
        var queue = Self.queue(["a"], batch: 250)
        let first = try take(&queue)
        let others = "bcdefghijklmnopqrstuvwxyz".prefix(IngestQueue<String>.worthwhile).map { String($0) }
        #expect(others.count == IngestQueue<String>.worthwhile)
        for call in others.dropLast() { queue.add(call, of: [Self.sender(call)]) }
        expectNone(&queue)
        queue.add(others[others.count - 1], of: [Self.sender(others[others.count - 1])])
        expect(others, from: try take(&queue))
        queue.finished(first)
    }

    /// Every character is a sender.
    @Test func nobodyOvertakesThemselves() throws {
        var queue = Self.queue(["a", "b"], batch: 3)
        let first = try take(&queue)
        #expect(first.calls == ["a", "b"])
        for call in ["c", "cb", "c", "d"] { queue.add(call, of: call.map { Self.sender("\($0)") }) }
        // The second call waits for b; the third may not overtake the second.
        let second = try take(&queue)
        #expect(second.calls == ["c", "d"])
        #expect(queue.count == 3)
        expectNone(&queue)
        queue.finished(second)
        expectNone(&queue)
        queue.finished(first)
        expect(["cb", "c"], from: try take(&queue))
        #expect(queue.count == 0)
    }

    @Test func atMostTwoAndAtMostSoMany() throws {
        var queue = Self.queue(["ab", "cd", "e", "fghijkl"], batch: 4)
        let first = try take(&queue)
        #expect(first.calls == ["ab", "cd"])
        // Full is what one that goes beside another has to be, by what waits.
        expect(["e"], from: try take(&queue))
        // One call that is larger than a batch goes by itself, when its turn has come.
        expectNone(&queue)
        queue.finished(first)
        expect(["fghijkl"], from: try take(&queue))
    }

    @Test func whatIsNotFullWaitsForAWhile() throws {
        var queue = Self.queue(["a"])
        let first = try take(&queue)
        queue.add("b", of: [Self.sender("b")])
        expectNone(&queue)
        Thread.sleep(forTimeInterval: IngestQueue<String>.patience)
        expect(["b"], from: try take(&queue))
        queue.finished(first)
    }

    @Test func whoWouldWaitForLong() throws {
        var queue = Self.queue(["a"], batch: 2)
        #expect(queue.wait(for: [Self.sender("a")]) == 0)
        let first = try take(&queue)
        Thread.sleep(forTimeInterval: 0.05)
        #expect(queue.wait(for: [Self.sender("a")]) >= 0.05)
        #expect(queue.wait(for: [Self.sender("b")]) == 0)
        for _ in 0..<40 { queue.add("a", of: [Self.sender("a")]) }
        // Twenty batches behind one that takes its time already; for others the same, so that memory is bounded.
        #expect(queue.wait(for: [Self.sender("a")]) >= 20 * 0.05)
        #expect(queue.wait(for: [Self.sender("b")]) >= 20 * 0.05)
        queue.finished(first)
    }

    /// Who is late leaves unwritten, but only for the sake of those who are not.
    @Test func whoIsLateMakesRoomForOthers() throws {
        var queue = Self.queue([], batch: 2)
        let longAgo = ContinuousClock.now - .seconds(2)
        for call in ["ab", "c", "de"] { queue.add(call, of: call.map { Self.sender("\($0)") }, since: longAgo) }
        for call in ["f", "g"] { queue.add(call, of: [Self.sender(call)]) }
        #expect(queue.takeLate() == ["ab", "c", "de"])
        #expect(queue.count == 2)
        expect(["f", "g"], from: try take(&queue))

        // As many as go at once: nobody comes in time by their leaving.
        for call in ["h", "i"] { queue.add(call, of: [Self.sender(call)], since: longAgo) }
        #expect(queue.takeLate() == [])
        // In time, however many wait.
        var long = Self.queue(["a", "b", "c", "d", "e"], batch: 2)
        #expect(long.takeLate() == [])
    }

    /// One of few messages costs nearly as much as a full one.
    @Test func aBatchIsAtLeastHalfFull() throws {
        var queue = Self.queue(["a", "bcd", "ef"], batch: 4)
        expect(["a", "bcd"], from: try take(&queue))
        queue = Self.queue(["a", "bcde", "f"], batch: 4)
        expect(["a", "bcde"], from: try take(&queue))
        queue = Self.queue(["ab", "cde", "f"], batch: 4)
        expect(["ab"], from: try take(&queue))
        // Larger than a batch: by itself.
        queue = Self.queue(["a", "bcdef"], batch: 4)
        expect(["a"], from: try take(&queue))
    }

    /// Two spellings of one character are two senders.
    @Test func sendersAreBytes() {
        #expect(Self.sender("\u{e9}") != Self.sender("e\u{301}"))
    }
}
