import Core
import Testing

@Suite("Limits of what is under way")
struct ConcurrencyLimitTests {
    @Test("what takes too long lowers it to as many as would have been in time")
    func lowers() {
        var limit = ConcurrencyLimit(64...512, target: 0.5)
        #expect(limit.current == 512)
        limit.finished(among: 400, after: 2)
        #expect(limit.current == 100)
        // One that began among few, and waited for something else, says nothing about as many as that.
        limit.finished(among: 3, after: 5)
        #expect(limit.current == 64)
    }

    @Test("it rises again by those that are in time while it is needed, and no further than it began")
    func rises() {
        var limit = ConcurrencyLimit(64...512, target: 0.5)
        limit.finished(among: 512, after: 4)
        #expect(limit.current == 64)
        limit.finished(among: 10, after: 0.1)
        #expect(limit.current == 64)
        for _ in 0..<10_000 { limit.finished(among: limit.current, after: 0.1) }
        #expect(limit.current == 512)
    }
}
