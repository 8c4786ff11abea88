import Channels
import Core
import Foundation
import HTTPTypes
import Store

/// What contacts write, as their channel posts it: with the channel's own token or a key of the workspace (S8).
struct InboundRoutes: Sendable {
    let store: Store
    let inbound: any InboundAccepting

    var routes: [Route] {
        [
            Route(
                .post, "/v1/channels/{channel_id}/inbound", "receiveInbound", access: .requires(.receive),
                bodyLimit: Route.batchBodyLimit, handler: receive)
        ]
    }

    /// Each event is answered by itself, in the order of the call: a bad one fails no neighbour.
    @Sendable private func receive(_ request: APIRequest) async throws -> APIResponse {
        let workspace = try request.workspace()
        let channel = try request.uuid("channel_id")
        try await inbound.checkWait(in: workspace, since: request.arrived)
        try await checkChannel(channel, request)
        try request.requireJSON()
        let events = try Self.parse(request.body)
        // Each event is accepted once by its message id; a key adds that the whole answer is the first one again.
        var response = try await request.onceByItself(store) {
            let results = try await results(of: events, from: channel, in: workspace, since: request.arrived)
            return StoredAnswer(status: 200, body: results)
        }
        // The answer shows no resource that a tag could be about.
        response.headers[.eTag] = nil
        return response
    }

    private func results(
        of events: [ParsedInbound.Event], from channel: UUID, in workspace: UUID,
        since arrived: ContinuousClock.Instant
    ) async throws -> JSON {
        var accepted: [InboundEvent] = []
        for case .message(let message) in events {
            accepted.append(InboundEvent(channelID: channel, message: message, trace: .current))
        }
        var results = try await accept(accepted, in: workspace, since: arrived).makeIterator()
        let answers = events.enumerated().map { index, event -> JSON in
            switch event {
            case .rejected(let messageID, let errors): return Self.rejected(messageID, errors)
            case .message(let message):
                guard let result = results.next() else { return Self.rejected(message.messageID, []) }
                guard result.status != .rejected else {
                    // Pointers of a refusal behind the channel begin at the event.
                    let base = JSONPointer.element(index, of: "/events")
                    return Self.rejected(
                        result.messageID,
                        result.errors.map { FieldError(pointer: base + $0.pointer, code: $0.code, detail: $0.detail) })
                }
                return Self.answer(result)
            }
        }
        return ["results": .array(answers)]
    }

    private func accept(
        _ events: [InboundEvent], in workspace: UUID, since arrived: ContinuousClock.Instant
    ) async throws -> [InboundResult] {
        events.isEmpty ? [] : try await inbound.accept(events, in: workspace, since: arrived)
    }

    /// A channel's token is for this channel only; a key is for those of its workspace.
    private func checkChannel(_ channel: UUID, _ request: APIRequest) async throws {
        if case .channel(_, let id, _) = try request.caller().principal {
            guard id == channel else { throw Problem.notFound("channel") }
        } else {
            _ = try await store.channel(channel, in: request.workspace())
        }
    }

    private static func parse(_ body: [UInt8]) throws -> [ParsedInbound.Event] {
        do throws(InboundCallError) {
            return try CustomChannel().parse(inbound: body, now: Date()).events
        } catch {
            switch error {
            case .malformed(let error): throw error
            case .invalid(let errors): throw Problem.validationFailed(errors)
            }
        }
    }

    private static func rejected(_ messageID: String?, _ errors: [FieldError]) -> JSON {
        let problem = errors.isEmpty ? Problem(.internalError) : Problem.validationFailed(errors)
        return JSON(fields: [
            ("message_id", .text(messageID)), ("status", "rejected"), ("conversation_id", .null), ("opened", false),
            ("problem", problem.json()),
        ])
    }

    private static func answer(_ result: InboundResult) -> JSON {
        JSON(fields: [
            ("message_id", .string(result.messageID)), ("status", .string(result.status.rawValue)),
            ("conversation_id", .id(result.conversationID)), ("opened", .bool(result.opened)),
        ])
    }
}
