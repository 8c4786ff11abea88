import Core
import Foundation

/// What came of each message, as the answers said.
struct ReplayTally: Sendable {
    struct Opened: Sendable {
        /// By the client's clock.
        let sentAt: Date
        let answeredAt: Date
    }

    private(set) var sent = 0
    private(set) var accepted = 0
    private(set) var duplicates = 0
    private(set) var repeats = 0
    private(set) var errors: [String: Int] = [:]
    /// The first row that each kind of error met.
    private(set) var firstRow: [String: Int] = [:]
    private(set) var opened: [String: Opened] = [:]
    /// Seconds from sending to the answer.
    private(set) var answering: [Double] = []

    var failed: Int { errors.values.reduce(0, +) }

    mutating func note(_ result: Result<JSON, ReplayService.Failure>, row: Int, sentAt: Date, answeredAt: Date) {
        sent += 1
        let answer: JSON
        switch result {
        case .success(let json): answer = json
        case .failure(let failure): return error(failure.kind, row)
        }
        answering.append(answeredAt.timeIntervalSince(sentAt))
        let event = answer["results"]?[0]
        switch event?["status"]?.string {
        case "accepted", "duplicate":
            if event?["status"]?.string == "accepted" { accepted += 1 } else { duplicates += 1 }
            // A duplicate tells of the first time: that answer was lost, the conversation is ours all the same.
            if event?["opened"]?.bool == true, let id = event?["conversation_id"]?.string {
                opened[id] = Opened(sentAt: sentAt, answeredAt: answeredAt)
            }
        case "rejected":
            let problem = event?["problem"]
            let first = problem?["errors"]?[0]
            let reason = first?["code"]?.string ?? problem?["title"]?.string ?? "without a reason"
            error("rejected: \(reason)", row)
        default:
            error("an answer without a result", row)
        }
    }

    mutating func noteRepeat() { repeats += 1 }

    private mutating func error(_ kind: String, _ row: Int) {
        errors[kind, default: 0] += 1
        firstRow[kind] = min(firstRow[kind] ?? row, row)
    }
}
