import Core
import Testing

@Suite("Sizes of batches")
struct BatchSizeTests {
    @Test("shrinks at once to what is in time, and grows by doubling to what is")
    func adapts() {
        var size = full()
        #expect(size.current == 400)
        size.finished(400, after: 0.1)
        #expect(size.current == 400)
        size.finished(400, after: 1.2)
        #expect(size.current == 100)
        size.finished(100, after: 0.1)
        #expect(size.current == 200)
        size.finished(200, after: 0.25)
        #expect(size.current == 240)
        size.finished(240, after: 0.01)
        #expect(size.current == 400)
    }

    @Test("one that was not full says nothing about a larger one; nothing done says nothing at all")
    func partial() {
        var size = full()
        size.finished(400, after: 0.6)
        #expect(size.current == 200)
        size.finished(199, after: 0.01)
        size.finished(0, after: 9)
        #expect(size.current == 200)
    }

    @Test("never below the least: waiting for one lock is no reason to go on one by one")
    func least() {
        var size = full()
        size.finished(3, after: 10)
        #expect(size.current == 50)
        size.finished(50, after: 2)
        #expect(size.current == 50)
    }

    /// One that began with the least and was quick three times.
    private func full() -> BatchSize {
        var size = BatchSize(50...400, target: 0.3)
        #expect(size.current == 50)
        for count in [50, 100, 200] { size.finished(count, after: 0.01) }
        return size
    }
}
