import Core
import Foundation

/// What `switchboard generate` is to make.
struct HistoryPlan: Sendable {
    /// Over all workspaces.
    let conversations: Int
    let days: Int
    let workspaces: Int
    let seed: UInt64
    /// Where the history ends; the newest events lie just before it.
    let end: Date

    /// What a million conversations take in the database, with indexes, measured on PostgreSQL 15; rounded up.
    static let bytesPerConversation = 17_500

    var start: Date { end.addingTimeInterval(-Double(days) * 86_400) }
    var bytes: Int { conversations * Self.bytesPerConversation }

    static let zones = [
        "Europe/Madrid", "America/New_York", "Asia/Kolkata", "America/Sao_Paulo", "Australia/Sydney", "Europe/London",
        "Asia/Tokyo", "UTC",
    ]

    /// The parts of the whole, very different in size: each workspace after the first has a fifth of the one before, and at
    /// least one conversation.
    var shares: [Int] {
        let weights = (0..<workspaces).map { pow(0.2, Double(min($0, 6))) }
        let total = weights.reduce(0, +)
        var counts = weights.map { max(1, Int(Double(conversations) * $0 / total)) }
        counts[0] += conversations - counts.reduce(0, +)
        return counts
    }

    /// The seed of one workspace's history.
    func seed(ofWorkspace index: Int) -> UInt64 {
        var generator = SplitMix64(seed: seed &+ UInt64(index) &* 0x9E37_79B9)
        return generator.next()
    }
}
