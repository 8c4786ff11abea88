import Core

/// An inbound call as its channel understood it: every event of it, in order, good or bad.
public struct ParsedInbound: Sendable, Hashable {
    public enum Event: Sendable, Hashable {
        case message(InboundMessage)
        /// What is wrong with it, with pointers from the root of the body. The id is there when it could be read.
        case rejected(messageID: String?, errors: [FieldError])
    }

    public var events: [Event]

    public init(events: [Event]) { self.events = events }
}

/// Why an inbound call was not read at all.
public enum InboundCallError: Error, Sendable, Hashable {
    /// The body is not one strict JSON value: 400.
    case malformed(JSONError)
    /// It is, and not what the channel sends: 422.
    case invalid([FieldError])
}
