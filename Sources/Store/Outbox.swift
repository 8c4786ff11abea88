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
    /// Nil when there is no such channel any more.
    public let account: Account?

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
    /// Nothing was sent: again at once, by whoever is there.
    case untried
    /// Again after so many seconds.
    case retry(after: TimeInterval, reason: String)
    /// Never again.
    case dead(reason: String)
}

extension ClaimedEffect {
    fileprivate init(row: PostgresRow) throws {
        id = try row.decode("id")
        key = try row.decode("key")
        channelID = try row.decode("channel_id")
        conversationID = try row.decode("conversation_id")
        messageID = try row.decode("message_id")
        body = try row.decodeJSON("body")
        attempts = try row.decode("attempts")
        epoch = try row.decode("epoch")
        createdAt = try row.decode("created_at")
        claimedAt = try row.decode("now")
        trace = try row.decode("trace", as: String?.self).flatMap(TraceContext.init(text:))
        let url: String? = try row.decode("channel_url")
        account = try row.decode("channel_token", as: String?.self).map { token in
            Account(kind: try row.decode("channel_kind"), url: url, token: token)
        }
    }
}

extension StoreTransaction {
    /// Takes up to `limit` due effects of a workspace under a lease of `leaseSeconds`, oldest first, at most one of each
    /// conversation and `perChannel` of each channel, or as many as `rooms` says for some.
    public func claimEffects(
        limit: Int, perChannel: Int, rooms: [UUID: Int] = [:], owner: UUID, leaseSeconds: Double, in workspace: UUID
    ) throws -> [ClaimedEffect] {
        let channels = Array(rooms.keys)
        return try query(
            "outbox_claim",
            [workspace, limit, owner, channels, channels.map { rooms[$0] ?? 0 }, perChannel, leaseSeconds]
        ).map(ClaimedEffect.init(row:))
    }

    /// Writes down what became of effects; those that another worker has taken meanwhile are left alone. The message's
    /// new status and its event commit together.
    public func settleEffects(_ outcomes: [(ClaimedEffect, EffectOutcome)], owner: UUID, in workspace: UUID) throws {
        changes.workspaceID = workspace
        let over = outcomes.filter { $0.1.isFinal }
        // Conversations before effects (S19); both travel in one round trip.
        let pending = try send(
            "outbox_lock_conversations", [workspace, Array(Set(over.compactMap(\.0.conversationID)))])
        let rows = outcomes.map { ($0.0, SettledRow($0.1)) }
        let settled = try query(
            "outbox_settle",
            [
                workspace, owner, rows.map(\.0.id), rows.map(\.0.epoch), rows.map(\.1.status), rows.map(\.1.error),
                rows.map(\.1.delay), rows.map(\.1.undone),
            ])
        // By the epoch: a lease that ran out may have been taken again by this very worker, and then both outcomes of the
        // same effect are here.
        var ours: [UUID: Int64] = [:]
        for row in settled { ours[try row.decode("id")] = try row.decode("epoch", as: Int64.self) }
        let final = over.filter { ours[$0.0.id] == $0.0.epoch }
        try recordOutcomes(final, pending.rows(), in: workspace)
        let messages = final.compactMap { effect, outcome in effect.messageID.map { ($0, SettledRow(outcome)) } }
        if !messages.isEmpty {
            try send(
                "outbox_settle_messages",
                [
                    workspace, messages.map(\.0), messages.map { $0.1.status == "sent" ? "sent" : "failed" },
                    messages.map(\.1.error),
                ])
        }
        try flush()
    }

    /// An event each, at the end of its conversation.
    private func recordOutcomes(
        _ outcomes: [(ClaimedEffect, EffectOutcome)], _ locked: PostgresRows, in workspace: UUID
    ) throws {
        var conversations: [UUID: Conversation] = [:]
        var now = Date.distantPast
        for row in locked {
            let id: UUID = try row.decode("id")
            conversations[id] = Conversation(
                id: id, contactID: try row.decode("contact_id"), channelID: try row.decode("channel_id"),
                source: Source(rawValue: try row.decode("source")) ?? .system, openedAt: try row.decode("opened_at"),
                lastSequence: try row.decode("last_sequence"), lastEventAt: try row.decode("last_event_at"))
            now = try row.decode("now")
        }
        var changed: Set<UUID> = []
        for (effect, outcome) in outcomes {
            guard let id = effect.conversationID else { continue }
            var data: JSON = ["message_id": .id(effect.messageID)]
            if case .dead = outcome {
                data = ["message_id": .id(effect.messageID), "attempts": .integer(Int64(effect.attempts))]
            }
            let caller = Caller(source: .system, actor: Actor(kind: "channel", id: effect.channelID))
            let type = if case .dead = outcome { EventType.messageFailed } else { EventType.messageDelivered }
            guard let event = conversations[id]?.record(type, id: newID(), by: caller, at: now, data: data) else {
                continue
            }
            changes.events.append(event)
            changed.insert(id)
        }
        let written = changed.compactMap { conversations[$0] }
        guard !written.isEmpty else { return }
        try send(
            "outbox_settle_conversations",
            [workspace, written.map(\.id), written.map(\.lastSequence), written.map(\.lastEventAt)])
    }
}

extension EffectOutcome {
    /// Whether the effect is over.
    fileprivate var isFinal: Bool {
        switch self {
        case .delivered, .dead: true
        case .untried, .retry: false
        }
    }
}

/// What an outcome writes into the effect's row.
private struct SettledRow {
    var status = "pending"
    var error: String?
    var delay = 0.0
    var undone = 0

    init(_ outcome: EffectOutcome) {
        switch outcome {
        case .delivered: status = "sent"
        case .dead(let reason): (status, error) = ("dead", reason)
        case .retry(let after, let reason): (error, delay) = (reason, after)
        case .untried: undone = 1
        }
    }
}
