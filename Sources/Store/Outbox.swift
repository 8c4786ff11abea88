import Core
import Foundation
import Postgres

/// An effect that is ours to carry out until its lease runs out.
public struct ClaimedEffect: Sendable {
    public let id: UUID
    public let key: String
    public let channelID: UUID?
    public let conversationID: UUID?
    public let messageID: UUID?
    public let body: JSON
    /// This attempt included.
    public let attempts: Int
    public let epoch: Int64
    public let createdAt: Date
    /// The database's time of the claim.
    public let claimedAt: Date
    public let trace: TraceContext?
    public var account: Account?

    /// The connected account it goes to.
    public struct Account: Sendable {
        public let kind: String
        public let url: String?
        public let token: String
    }
}

/// What became of an effect.
public enum EffectOutcome: Sendable {
    case delivered
    /// Again after so many seconds.
    case retry(after: TimeInterval, reason: String)
    /// Never again.
    case dead(reason: String)
}

extension StoreTransaction {
    /// Takes up to `limit` due effects of a workspace under a lease of `leaseSeconds`, oldest first, at most one of each
    /// conversation and none of the channels in `busy`.
    public func claimEffects(
        limit: Int, owner: UUID, busy: [UUID], leaseSeconds: Double, in workspace: UUID
    ) throws -> [ClaimedEffect] {
        var effects = try query("outbox_claim", [workspace, limit, owner, busy, leaseSeconds]).map { row in
            ClaimedEffect(
                id: try row.decode("id"), key: try row.decode("key"), channelID: try row.decode("channel_id"),
                conversationID: try row.decode("conversation_id"), messageID: try row.decode("message_id"),
                body: try row.decodeJSON("body"), attempts: try row.decode("attempts"), epoch: try row.decode("epoch"),
                createdAt: try row.decode("created_at"), claimedAt: try row.decode("now"),
                trace: try row.decode("trace", as: String?.self).flatMap(TraceContext.init(text:)))
        }
        guard !effects.isEmpty else { return [] }
        var accounts: [UUID: ClaimedEffect.Account] = [:]
        for row in try query("outbox_accounts", [workspace, Array(Set(effects.compactMap(\.channelID)))]) {
            accounts[try row.decode("id")] = ClaimedEffect.Account(
                kind: try row.decode("kind"), url: try row.decode("url"), token: try row.decode("token"))
        }
        for index in effects.indices { effects[index].account = effects[index].channelID.flatMap { accounts[$0] } }
        return effects
    }

    /// Writes down what became of effects; those that another worker has taken meanwhile are left alone. The message's
    /// new status and its event commit together.
    public func settleEffects(_ outcomes: [(ClaimedEffect, EffectOutcome)], owner: UUID, in workspace: UUID) throws {
        changes.workspaceID = workspace
        let over = outcomes.filter { if case .retry = $0.1 { false } else { true } }
        let conversations = Array(Set(over.compactMap(\.0.conversationID)))
        var locked = try lockConversations(conversations, in: workspace)
        // By the epoch: a lease that ran out may have been taken again by this very worker, and then both outcomes of the
        // same effect are here.
        var ours: [UUID: Int64] = [:]
        for row in try query("outbox_lock", [workspace, outcomes.map(\.0.id), owner, outcomes.map(\.0.epoch)]) {
            ours[try row.decode("id")] = try row.decode("epoch", as: Int64.self)
        }
        var rows: [(id: UUID, status: String, error: String?, delay: Double)] = []
        var messages: [(id: UUID, status: String, error: String?)] = []
        for (effect, outcome) in outcomes where ours[effect.id] == effect.epoch {
            let type: EventType
            var data: JSON = ["message_id": .id(effect.messageID)]
            switch outcome {
            case .retry(let delay, let reason):
                rows.append((effect.id, "pending", reason, delay))
                continue
            case .delivered:
                rows.append((effect.id, "sent", nil, 0))
                if let message = effect.messageID { messages.append((message, "sent", nil)) }
                type = .messageDelivered
            case .dead(let reason):
                rows.append((effect.id, "dead", reason, 0))
                if let message = effect.messageID { messages.append((message, "failed", reason)) }
                type = .messageFailed
                data = ["message_id": .id(effect.messageID), "attempts": .integer(Int64(effect.attempts))]
            }
            guard let id = effect.conversationID, var conversation = locked.rows[id] else { continue }
            changes.events.append(
                conversation.record(
                    type, id: newID(), by: Caller(source: .system, actor: Actor(kind: "channel", id: effect.channelID)),
                    at: locked.now, data: data))
            locked.rows[id] = conversation
            changes.update(conversation)
        }
        try send(
            "outbox_settle",
            [workspace, rows.map(\.id), rows.map(\.status), rows.map(\.error), rows.map(\.delay)])
        if !messages.isEmpty {
            try send(
                "outbox_settle_messages",
                [workspace, messages.map(\.id), messages.map(\.status), messages.map(\.error)])
        }
    }
}
