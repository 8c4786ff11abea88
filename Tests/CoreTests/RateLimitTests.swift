import Core
import Foundation
import Testing

/// Who may ask how often: decided on instants that the test gives.
@Suite struct RateLimitTests {
    private static let second: Int64 = 1_000_000_000

    private static func limit(_ text: String) throws -> RateLimit { try #require(RateLimit(text)) }

    @Test(arguments: [
        ("10/PT10S", "10/PT10S"), ("6000/PT1M", "6000/PT1M"), ("1/P1D", "1/P1D"), ("600/PT60S", "600/PT1M"),
        ("0/PT1S", nil), ("-1/PT1S", nil), ("1000001/PT1S", nil), ("1/P2D", nil), ("1", nil), ("1/", nil),
        ("1/10", nil), ("/PT1S", nil), ("1/PT1S/PT1S", nil), ("off", nil), ("", nil),
    ])
    func limitsAsText(text: String, expected: String?) {
        #expect(RateLimit(text)?.description == expected)
    }

    /// Ten in ten seconds: instants of requests, and for each what is left or after how many seconds to come back.
    @Test(
        arguments: [
            (
                "a burst of the quota, then one a second", [0.0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
            ),
            (
                "an even stream is never refused", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
                [9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9]
            ),
            (
                "refused, then let in when it was told to come back",
                [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.3, 1, 1], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, -1, -1, 0, -1]
            ),
            (
                "a pause of the window fills it", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 10],
                [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 9, 8]
            ),
            (
                "a refusal costs nothing", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2],
                [
                    9, 8, 7, 6, 5, 4, 3, 2, 1, 0, -1, -1, -1, -1, 1, 0, -1,
                ]
            ),
        ] as [(String, [Double], [Int])])
    func requests(name: String, at instants: [Double], expected: [Int]) throws {
        var ledger = RateLedger(RateLimits(key: try Self.limit("10/PT10S")))
        let caller = RateCaller(.key, id: UUID(), workspace: UUID())
        for (index, instant) in instants.enumerated() {
            let decision = ledger.take(caller, at: Int64(instant * 1e9)).decision
            let got = decision.retryAfter.map { -$0 } ?? decision.states[0].remaining
            #expect(got == expected[index], "\(name), request \(index)")
            #expect(decision.violated == (expected[index] < 0 ? ["key"] : []))
        }
    }

    @Test func theStricterOfTwoLimitsDecidesAndChargesNeitherWhenItRefuses() throws {
        let limits = RateLimits(
            key: try Self.limit("100/PT10S"), channel: try Self.limit("5/PT1M"), workspace: try Self.limit("3/PT3S"))
        var ledger = RateLedger(limits)
        let workspace = UUID()
        let one = RateCaller(.key, id: UUID(), workspace: workspace)
        let two = RateCaller(.key, id: UUID(), workspace: workspace)
        let other = RateCaller(.channel, id: UUID(), workspace: UUID())
        for _ in 0..<3 { #expect(ledger.take(one, at: 0).decision.isPermitted) }
        let refused = ledger.take(two, at: 0).decision
        #expect(refused.violated == ["workspace"] && refused.retryAfter == 1)
        #expect(refused.states.map(\.policy) == ["key", "workspace"])
        #expect(refused.states.map(\.remaining) == [100, 0])
        #expect(ledger.take(other, at: 0).decision.states.map(\.policy) == ["channel", "workspace"])
        let operators = RateCaller(.key, id: UUID(), workspace: nil)
        #expect(ledger.take(operators, at: 0).decision.states.map(\.policy) == ["key"])
        // An operator may give a workspace another limit: each of its keys may use all of it.
        ledger.overrides[workspace] = try Self.limit("50/PT10S")
        let raised = ledger.take(two, at: 0).decision
        #expect(raised.isPermitted && raised.states.map(\.limit.quota) == [50, 50])
        var off = RateLedger(.off)
        #expect(off.take(one, at: 0).decision.states.isEmpty && off.tell().isEmpty)
    }

    /// What others let through is a debt, paid before the next request and never longer than one further window.
    @Test func processesThatTellEachOtherShareOneLimit() throws {
        let limit = try Self.limit("160/PT10S")
        var processes = [RateLedger(RateLimits(key: limit)), RateLedger(RateLimits(key: limit))]
        let caller = RateCaller(.key, id: UUID(), workspace: nil)
        var permitted = 0
        // A thousand requests in ten seconds, in turn; told when urgent and every second.
        for step in 0..<1000 {
            let now = Int64(step) * Self.second / 100
            let (decision, isUrgent) = processes[step % 2].take(caller, at: now)
            if decision.isPermitted { permitted += 1 }
            let tellers = step.isMultiple(of: 100) ? [0, 1] : isUrgent ? [step % 2] : []
            for teller in tellers {
                let use = processes[teller].tell()
                processes[1 - teller].hear(use, at: now)
            }
        }
        let share = limit.quota / RateLedger.share
        #expect((310...320 + share).contains(permitted), "\(permitted)")
        // Without telling, it would be twice as much.
        var alone = RateLedger(RateLimits(key: limit))
        var count = 0
        for step in 0..<500 where alone.take(caller, at: Int64(step) * Self.second / 50).decision.isPermitted {
            count += 1
        }
        #expect(count > 250)

        alone.hear([caller: .max], at: 10 * Self.second)
        let debt = alone.look(caller, at: 10 * Self.second)
        #expect(try #require(debt.retryAfter) <= limit.window + 1 && debt.states[0].remaining == 0)
        #expect(alone.look(caller, at: 21 * Self.second).isPermitted)
    }

    @Test func guessesAreCountedByAddressAndTheTableStaysSmall() throws {
        var ledger = RateLedger(RateLimits(failures: try Self.limit("3/PT1M")), capacity: 1000)
        let address = AddressGroup("2001:db8:1:2::1")
        for _ in 0..<3 {
            #expect(ledger.lookAtGuess(from: address, at: 0).isPermitted)
            ledger.failed(from: address, at: 0)
        }
        #expect(ledger.lookAtGuess(from: address, at: 0).retryAfter == 20)
        #expect(ledger.lookAtGuess(from: AddressGroup("2001:db8:1:2:ffff::9"), at: 0).retryAfter == 20)
        #expect(ledger.lookAtGuess(from: AddressGroup("2001:db8:1:3::1"), at: 0).isPermitted)
        #expect(ledger.lookAtGuess(from: address, at: 20 * Self.second).isPermitted)
        for number in 0..<100_000 {
            ledger.failed(from: AddressGroup("2001:db8:\(String(number >> 8, radix: 16)):\(number & 255)::1"), at: 1)
            #expect(ledger.count <= 1000)
        }
        // One who guessed often is not the first to be pushed out.
        #expect(ledger.lookAtGuess(from: address, at: 1).retryAfter != nil)
        ledger.forgetFull(at: 1000 * Self.second)
        #expect(ledger.count == 0)
    }

    @Test func addressesOfOneClient() {
        #expect(AddressGroup("192.0.2.1") == AddressGroup("::ffff:192.0.2.1"))
        #expect(AddressGroup("192.0.2.1") != AddressGroup("192.0.2.2"))
        #expect(AddressGroup("fe80::1%eth0") == AddressGroup("fe80::2"))
        #expect(AddressGroup("::1") != AddressGroup(nil))
        #expect(AddressGroup("unknown") == AddressGroup(nil))
    }

    @Test func theWaitInAQueueOfBatches() {
        var queue = BatchQueue(batch: 100)
        // Nobody is ahead: go and find out.
        #expect(queue.wait(behind: 5000, age: nil) == 0)
        queue.finished(after: 0.4)
        queue.finished(after: 0.2)
        // 0.2 s each by now: what is left of this batch, the two ahead, and the own one.
        #expect(abs(queue.wait(behind: 250, age: 0.05) - (0.15 + 0.6)) < 1e-9)
        // A batch that hangs says more than those before it.
        #expect(queue.wait(behind: 0, age: 3) == 3)
    }
}
