import Core
import Foundation

/// What is particular to one kind of channel: what its calls look like, how a message is sent on it, what its answers
/// mean. Pure: no clock, no network, no database; whoever calls brings these along.
public protocol ChannelAdapter: Sendable {
    /// The `kind` of the channels it serves, stable for ever: it stands in the database.
    static var kind: String { get }

    /// What an inbound call offers as proof that the channel's account sent it. The keeper of the secrets judges it.
    func proof(in headers: [ChannelHeader]) -> InboundProof

    /// Reads the body of an inbound call. A bad event is a `rejected` one among the others.
    /// - Parameter now: the time that messages must not be dated far ahead of.
    /// - Throws: when the call as a whole cannot be read; then nothing of it counts.
    func parse(inbound body: [UInt8], now: Date) throws(InboundCallError) -> ParsedInbound

    /// The request that delivers a message. The same message gives the same bytes each time.
    func encode(_ message: OutgoingMessage, to account: ChannelAccount) -> OutgoingRequest

    /// What an answer says about the message's fate.
    func classify(_ response: ChannelResponse, now: Date) -> Delivery
}

/// Every kind of channel there is. A new one is a file and a line here.
public enum Channels {
    public static let all: [any ChannelAdapter] = [
        CustomChannel()
    ]

    /// The adapter for a channel's `kind`; nil for a kind that this program does not know.
    public static func adapter(kind: String) -> (any ChannelAdapter)? {
        all.first { type(of: $0).kind == kind }
    }
}

/// How an inbound call proves where it comes from.
public enum InboundProof: Sendable, Hashable {
    /// Nothing that the channel recognises.
    case none
    /// The channel's own token, to be compared with the stored hash.
    case bearerToken(String)
}

/// One header field of a call, a request or an answer.
public struct ChannelHeader: Sendable, Hashable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

extension [ChannelHeader] {
    /// The first value under `name`, without regard to case.
    public subscript(name: String) -> String? {
        let name = name.lowercased()
        return first { $0.name.lowercased() == name }?.value
    }
}
