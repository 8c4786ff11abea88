import Core
import Foundation
import Testing

/// A small generator with a seed, so that a failing random case can be run again (Steele et al., SplitMix64).
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    mutating func chance(_ percent: Int) -> Bool { int(1...100) <= percent }
}

/// Ids that are told apart by a number.
func id(_ number: Int) -> UUID {
    let digits = String(number, radix: 16)
    let text = "00000000-0000-7000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
    return UUID(uuidString: text) ?? UUID()
}

func instant(_ text: String) throws -> Date {
    struct NoInstant: Error { let text: String }
    guard let date = Timestamp.parse(text) else { throw NoInstant(text: text) }
    return date
}

let noon = Date(timeIntervalSince1970: 1_795_694_400)

func someFacts(text: String? = "Where is my card?") -> RunFacts {
    RunFacts(
        contact: ContactFacts(id: id(1), name: "Ada", tags: ["vip"]),
        conversation: ConversationFacts(
            id: id(2), channelID: id(3), channelName: "Web chat", openedAt: noon.addingTimeInterval(-5)),
        messageText: text, timeZone: "Europe/Madrid")
}

/// `#expect` for loops of a hundred thousand rounds, without the cost of recording each that holds.
func holds(_ condition: Bool, _ comment: Comment? = nil, at location: SourceLocation = #_sourceLocation) {
    if !condition { Issue.record(comment ?? "does not hold", sourceLocation: location) }
}
