import Testing

@testable import Engine

/// How workers take turns: nothing is lost, and what comes while a turn is under way gathers for one more.
@Suite(.timeLimit(.minutes(5))) struct WorkQueueTests {
    @Test func whatIsAddedDuringATurnIsHandedOutOnceAfterIt() async throws {
        let queue = WorkQueue<String>()
        queue.add("a")
        let first = try #require(await queue.next())
        queue.add("a")
        queue.add("a")
        queue.add("b")
        // Not "a", whose turn is under way.
        let second = try #require(await queue.next())
        #expect(first.key == "a" && second.key == "b")
        first.end()
        first.end()
        let third = try #require(await queue.next())
        #expect(third.key == "a")
        third.end()
        queue.add("c")
        // Twice added was once too many: next is what came behind.
        #expect(await queue.next()?.key == "c")
    }

    @Test func aTurnThatTakesLongCanBeGoneRound() async throws {
        let queue = WorkQueue<String>()
        queue.add("a")
        let stuck = try #require(await queue.next())
        queue.add("a", evenIfUnderWay: true)
        let other = try #require(await queue.next())
        #expect(other.key == "a")
        queue.add("a")
        queue.add("b")
        other.end()
        #expect(await queue.next()?.key == "b", "one of the two turns is still under way")
        stuck.end()
        #expect(await queue.next()?.key == "a")
    }

    @Test func whoWaitsGetsWhatIsAddedAndACloseLetsEverybodyGo() async throws {
        let queue = WorkQueue<Int>()
        async let taken = queue.next()?.key
        queue.add(1)
        #expect(await taken == 1)
        async let nothing = queue.next()
        queue.close()
        queue.add(2)
        #expect(await nothing == nil)
        #expect(await queue.next() == nil)
    }
}
