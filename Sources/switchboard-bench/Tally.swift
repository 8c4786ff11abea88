import Foundation

/// How many units were done in which time, and how long each took.
struct Tally: Sendable {
    var units = 0
    var seconds = 0.0
    /// Per call, in seconds.
    var latencies: [Double] = []

    /// Runs callers side by side, each calling again as soon as it is answered.
    /// - Parameter call: told a number that no other call is told; returns how many units it did.
    static func of(
        callers: Int, seconds: Double, _ call: @escaping @Sendable (_ number: Int) async throws -> Int
    ) async throws -> Tally {
        let clock = ContinuousClock()
        let started = clock.now
        let end = started + .seconds(seconds)
        var tally = try await withThrowingTaskGroup(of: Tally.self) { group in
            for caller in 0..<callers {
                group.addTask {
                    var own = Tally()
                    var number = caller
                    while clock.now < end {
                        let called = clock.now
                        own.units += try await call(number)
                        own.latencies.append((clock.now - called) / .seconds(1))
                        number += callers
                    }
                    return own
                }
            }
            var sum = Tally()
            for try await own in group {
                sum.units += own.units
                sum.latencies += own.latencies
            }
            return sum
        }
        tally.seconds = (clock.now - started) / .seconds(1)
        tally.latencies.sort()
        return tally
    }

    private func percentile(_ share: Double) -> Double {
        latencies.isEmpty ? 0 : latencies[min(latencies.count - 1, Int(Double(latencies.count) * share))]
    }

    /// One line of JSON for the harness.
    func print() {
        let fields: [(String, Double)] = [
            ("units", Double(units)), ("seconds", seconds), ("p50", percentile(0.5)), ("p99", percentile(0.99)),
        ]
        let body = fields.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", ")
        Swift.print("{\(body)}")
    }
}
