import Core
import Foundation

/// What a replay sends: one message a row, from contacts in turn.
struct ReplayPlan: Sendable {
    struct Message: Sendable, Equatable {
        let row: Int
        let messageID: String
        let contact: Int
        let text: String
    }

    let messages: [Message]
    let contacts: Int
    /// Begins every id that this replay makes, so that two replays of one file are two sets of messages.
    let prefix: String

    /// - Parameter contacts: who the rows are spread over, round robin; nil is one contact a row.
    init(rows: [(row: Int, value: String)], contacts: Int?, prefix: String) {
        let count = max(1, min(contacts ?? rows.count, rows.count))
        self.contacts = count
        self.prefix = prefix
        messages = rows.enumerated().map { index, row in
            Message(row: row.row, messageID: "\(prefix)-m\(row.row)", contact: index % count, text: row.value)
        }
    }

    /// The body of the call that delivers one message.
    func body(_ message: Message, sentAt: Date) -> JSON {
        [
            "events": [
                [
                    "type": "message", "message_id": .string(message.messageID),
                    "contact": [
                        "external_id": .string("\(prefix)-c\(message.contact)"),
                        "name": .string("Contact \(message.contact + 1)"),
                    ],
                    "text": .string(message.text), "sent_at": .string(Timestamp.format(sentAt)),
                ]
            ]
        ]
    }
}

/// How fast messages go out.
enum ReplayRate: Sendable, Equatable {
    case maximum
    /// So many a second.
    case perSecond(Double)

    init?(_ text: String) {
        if text == "max" {
            self = .maximum
        } else if let number = Double(text), number > 0, number <= 1_000_000 {
            self = .perSecond(number)
        } else {
            return nil
        }
    }

    /// When the message of that number is due, after the start.
    func delay(of index: Int) -> Duration {
        switch self {
        case .maximum: .zero
        case .perSecond(let rate): .seconds(Double(index) / rate)
        }
    }
}
