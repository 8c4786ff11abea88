import Core
import Testing

@Suite("Limits of what is under way")
struct ConcurrencyLimitTests {
    @Test("what takes too long lowers it to as many as would have been in time, by half at once")
    func lowers() {
        var limit = ConcurrencyLimit(64...512, target: 0.5)
        #expect(limit.current == 512)
        for expected in [256, 128, 100, 100] {
            limit.finished(among: 400, after: 2)
            #expect(limit.current == expected)
        }
        limit.finished(among: 64, after: 5)
        #expect(limit.current == 64)
    }

    @Test("what is slow among few says nothing about many")
    func few() {
        var limit = ConcurrencyLimit(64...512, target: 0.5)
        for count in 1..<64 { limit.finished(among: count, after: 60) }
        #expect(limit.current == 512)
    }

    @Test("it rises again by those that are in time while it is needed, and no further than it began")
    func rises() {
        var limit = ConcurrencyLimit(64...512, target: 0.5)
        for _ in 0..<3 { limit.finished(among: 512, after: 4) }
        #expect(limit.current == 64)
        limit.finished(among: 10, after: 0.1)
        #expect(limit.current == 64)
        for _ in 0..<10_000 { limit.finished(among: limit.current, after: 0.1) }
        #expect(limit.current == 512)
    }
}
