import Core
import Foundation

/// Anything that speaks our own JSON: it posts events with its token, and takes messages by POST at its URL.
public struct CustomChannel: ChannelAdapter {
    public static let kind = "custom"

    /// Events in one call.
    public static let maximumEvents = 100
    /// Bytes of UTF-8 in one message (S8).
    public static let maximumTextBytes = 16 * 1024
    /// Characters of an id that the channel gives.
    public static let maximumIDLength = 200

    public init() {}

    public func proof(in headers: [ChannelHeader]) -> InboundProof {
        guard let value = headers["Authorization"] else { return .none }
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return .none }
        return .bearerToken(parts[1].trimmingCharacters(in: .whitespaces))
    }

    public func encode(_ message: OutgoingMessage, to account: ChannelAccount) -> OutgoingRequest {
        let body = JSON(fields: [
            ("message_id", .id(message.messageID)),
            ("conversation_id", .id(message.conversationID)),
            (
                "contact",
                JSON(fields: [("external_id", .string(message.externalID)), ("id", .id(message.contactID))])
            ),
            ("text", .string(message.text)),
            ("source", .string(message.source)),
            ("sent_at", .instant(message.sentAt)),
        ])
        return OutgoingRequest(
            method: "POST", url: account.url,
            headers: [
                ChannelHeader(name: "Authorization", value: "Bearer \(account.token)"),
                ChannelHeader(name: "Content-Type", value: "application/json"),
                ChannelHeader(name: "Idempotency-Key", value: Self.structuredString(message.key)),
                ChannelHeader(name: "User-Agent", value: "switchboard"),
            ],
            body: body.serialized())
    }

    public func classify(_ response: ChannelResponse, now: Date) -> Delivery {
        if (200...299).contains(response.status) {
            let id = (try? JSON.parse(response.body))?["message_id"]?.string
            let isUsable = id.map { (1...Self.maximumIDLength).contains($0.unicodeScalars.count) } ?? false
            return .delivered(providerMessageID: isUsable ? id : nil)
        }
        return .ofFailure(response, explanation: Self.explanation(response.body), now: now)
    }

    /// `{"error": {"message": "…"}}` or `{"error": "…"}` where the receiver says so, else the beginning of the body.
    private static func explanation(_ body: [UInt8]) -> String {
        let error = (try? JSON.parse(body))?["error"]
        if let message = error?["message"]?.string ?? error?.string { return .excerpt(message.utf8) }
        return .excerpt(body)
    }

    /// A string of RFC 9651 §3.3.3, which knows printable ASCII only: anything else is percent-encoded.
    static func structuredString(_ text: String) -> String {
        var value = "\""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): value += "\\" + String(UnicodeScalar(byte))
            case 0x20...0x7E: value.unicodeScalars.append(UnicodeScalar(byte))
            default: value += "%" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return value + "\""
    }
}
