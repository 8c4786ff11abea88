import Core
import Foundation

/// `{"events": [{"type": "message", "message_id": …, "contact": {"external_id": …, "name": …}, "text": …}]}`
extension CustomChannel {
    public func parse(inbound body: [UInt8], now: Date) throws(InboundCallError) -> ParsedInbound {
        let document: JSON
        do throws(JSONError) {
            document = try JSON.parse(body)
        } catch {
            throw .malformed(error)
        }
        let errors = FieldErrors()
        let call = ObjectReader(document, errors: errors)
        let events = call.array("events", of: .any, count: 1...Self.maximumEvents)
        call.finish()
        guard let events, errors.isEmpty else { throw .invalid(errors.list) }
        return ParsedInbound(
            events: events.enumerated().map { index, event in
                Self.event(event, pointer: JSONPointer.element(index, of: "/events"), now: now)
            })
    }

    /// Each event has mistakes of its own, so that a bad one fails no neighbour.
    private static func event(_ value: JSON, pointer: String, now: Date) -> ParsedInbound.Event {
        let errors = FieldErrors()
        let reader = ObjectReader(value, pointer: pointer, errors: errors)
        let type = reader.string("type", length: 1...100)
        let message = type == nil || type == "message" ? Self.message(reader, now: now) : nil
        if let type, type != "message" {
            // Which fields another type would have is not known: it alone is refused.
            reader.fail("type", "not-allowed", "must be \"message\"")
        } else {
            reader.finish()
        }
        if errors.isEmpty, let message { return .message(message) }
        return .rejected(messageID: readableID(value), errors: errors.list)
    }

    private static func message(_ reader: ObjectReader, now: Date) -> InboundMessage? {
        let messageID = reader.string("message_id", length: 1...maximumIDLength)
        let contact = reader.object("contact").flatMap { Self.contact($0) }
        let text = reader.required("text", .string(maximumBytes: maximumTextBytes))
        if let text, text.unicodeScalars.allSatisfy({ $0.properties.isWhitespace }) {
            reader.fail("text", "too-short", "must not be only white space")
        }
        let sentAt = reader.optionalInstant("sent_at")
        if let sentAt, sentAt < earliest || sentAt > now.addingTimeInterval(furthestAhead) {
            reader.fail("sent_at", "out-of-range", "must be from 2000-01-01 to 24 hours from now")
        }
        guard let messageID, let contact, let text else { return nil }
        return InboundMessage(
            messageID: messageID, externalID: contact.externalID, profile: contact.profile, text: text, sentAt: sentAt)
    }

    private static func contact(_ reader: ObjectReader) -> (externalID: String, profile: ContactProfile)? {
        let externalID = reader.string("external_id", length: 1...maximumIDLength)
        let profile = ContactProfile(
            name: optionalValue("name", 200, reader), email: optionalValue("email", 320, reader),
            phone: optionalValue("phone", 50, reader), language: optionalValue("language", 35, reader))
        reader.finish()
        return externalID.map { ($0, profile) }
    }

    /// An empty value says no more than an absent one: there is nothing to fill in.
    private static func optionalValue(_ name: String, _ maximum: Int, _ reader: ObjectReader) -> String? {
        reader.optionalString(name, length: 0...maximum).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The event's id for the answer, also when everything else about it is wrong.
    private static func readableID(_ value: JSON) -> String? {
        guard let id = value["message_id"]?.string, (1...maximumIDLength).contains(id.unicodeScalars.count) else {
            return nil
        }
        return id
    }

    /// 2000-01-01 (S2): anything earlier is a clock that was never set.
    private static let earliest = Date(timeIntervalSince1970: 946_684_800)
    private static let furthestAhead: TimeInterval = 24 * 3600
}
