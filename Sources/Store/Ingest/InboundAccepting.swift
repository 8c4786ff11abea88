import Core
import Foundation

/// One inbound message with the channel it came by.
public struct InboundEvent: Sendable, Hashable {
    public var channelID: UUID
    public var message: InboundMessage
    /// The call that brought it: batches mix the events of many.
    public var trace: TraceContext?

    public init(channelID: UUID, message: InboundMessage, trace: TraceContext? = nil) {
        self.channelID = channelID
        self.message = message
        self.trace = trace
    }
}

/// Takes inbound messages and answers when they are durable: what the API knows of the engine's combiner.
public protocol InboundAccepting: Sendable {
    /// Asked before a call is read: a refusal should cost little.
    /// - Parameter arrived: when the call came.
    /// - Throws: what `accept` throws when the call would be answered too late.
    func checkWait(in workspace: UUID, since arrived: ContinuousClock.Instant) async throws
    /// Accepts the messages of one call, in their order.
    /// - Parameter arrived: when the call came.
    /// - Returns: one result for each, in the same order; every one of them is committed.
    /// - Throws: `PostgresError` when the database is away or too busy; nothing was half done, the call may be repeated.
    func accept(
        _ events: [InboundEvent], in workspace: UUID, since arrived: ContinuousClock.Instant
    ) async throws -> [InboundResult]
}
