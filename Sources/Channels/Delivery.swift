import Core
import Foundation

/// What became of one attempt to deliver a message.
public enum Delivery: Sendable, Hashable {
    /// The receiver has it, under this name where it gave one.
    case delivered(providerMessageID: String?)
    /// Worth another attempt; not before that many seconds (0 to 3600) where the receiver asked for it.
    case retry(after: TimeInterval?, reason: String)
    /// No attempt can succeed.
    case permanent(reason: String)

    /// What HTTP's status codes say by themselves, for channels whose bodies say no more.
    ///
    /// - Parameter explanation: what the receiver said, already short and printable.
    static func ofFailure(_ response: ChannelResponse, explanation: String, now: Date) -> Delivery {
        let reason = explanation.isEmpty ? "HTTP \(response.status)" : "HTTP \(response.status): \(explanation)"
        switch response.status {
        case 408, 425, 429, 500...599:
            let after = response.headers["Retry-After"].flatMap { RetryAfter.seconds($0, now: now) }
            return .retry(after: after, reason: reason)
        default: return .permanent(reason: reason)
        }
    }
}

/// RFC 9110 §10.2.3.
enum RetryAfter {
    /// A receiver that asks for more is asked again after an hour: it may be mistaken, or have come back.
    static let longest: TimeInterval = 3600

    /// Seconds from `now`, 0 to ``longest``; nil for what is neither a number nor a date.
    static func seconds(_ text: String, now: Date) -> TimeInterval? {
        let text = text.trimmingCharacters(in: .whitespaces)
        if !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            return min(TimeInterval(text) ?? longest, longest)
        }
        return date(text).map { min(max($0.timeIntervalSince(now), 0), longest) }
    }

    private static let months = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]

    /// The three forms of RFC 9110 §5.6.7; the name of the day is not looked at.
    private static func date(_ text: String) -> Date? {
        let parts = text.split { " ,-".contains($0) }.map(String.init)
        switch parts.count {
        case 6 where parts[5] == "GMT":  // Sun, 06 Nov 1994 08:49:37 GMT, or Sunday, 06-Nov-94 08:49:37 GMT
            let year = parts[3].utf8.count == 2 ? "20" + parts[3] : parts[3]
            return date(year: year, month: parts[2], day: parts[1], time: parts[4])
        case 5:  // Sun Nov  6 08:49:37 1994
            return date(year: parts[4], month: parts[1], day: parts[2], time: parts[3])
        default: return nil
        }
    }

    private static func date(year: String, month: String, day: String, time: String) -> Date? {
        guard let index = months.firstIndex(of: month.lowercased()) else { return nil }
        func twoDigits(_ text: String) -> String { text.utf8.count == 1 ? "0" + text : text }
        return Timestamp.parse("\(year)-\(twoDigits(String(index + 1)))-\(twoDigits(day))T\(time)Z")
    }
}

extension String {
    /// The beginning of what a receiver answered, fit for a log line and an administrator's screen: printable, one line,
    /// at most `limit` characters.
    static func excerpt(_ bytes: some Collection<UInt8>, limit: Int = 200) -> String {
        var text = String.UnicodeScalarView()
        var endsInSpace = true
        // A character takes at most 4 bytes; whatever stands behind these is beyond the limit or not worth looking for.
        for scalar in String(decoding: bytes.prefix(limit * 8), as: UTF8.self).unicodeScalars where text.count < limit {
            if scalar.properties.isWhitespace {
                if !endsInSpace { text.append(" ") }
                endsInSpace = true
                continue
            }
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .unassigned: continue
            default:
                text.append(scalar)
                endsInSpace = false
            }
        }
        if text.last == " " { text.removeLast() }
        return String(text)
    }
}
