import Core
import Foundation
import Postgres

/// What a merge-patch of a channel says.
public struct ChannelPatch: Sendable {
    public var name: String?
    public var url: Patch<String>

    public init(name: String? = nil, url: Patch<String> = .absent) {
        self.name = name
        self.url = url
    }
}

extension Store {
    /// Channels in the order of their making.
    public func channels(in workspace: UUID, after: UUID?, limit: Int) async throws -> [Channel] {
        try await all("channels_list", [workspace, after ?? .lowest, limit], Channel.init(row:))
    }

    public func channel(_ id: UUID, in workspace: UUID) async throws -> Channel {
        try await one("channel_get", [workspace, id], what: "channel", Channel.init(row:))
    }
}

extension StoreTransaction {
    /// - Returns: the channel, and its token: this once, the API cannot read it back.
    public func createChannel(
        name: String, kind: Channel.Kind, url: String?, in workspace: UUID
    ) throws -> (channel: Channel, token: String) {
        let token = SecretToken(.channel, id: newID())
        let row = try refusingChannelName {
            try one(
                "channel_insert", [workspace, token.id, name, kind.rawValue, url, token.hash], what: "channel")
        }
        try send("channel_secret_insert", [workspace, token.id, token.text])
        return (try Channel(row: row), token.text)
    }

    public func updateChannel(
        _ id: UUID, _ patch: ChannelPatch, if precondition: Precondition<Channel>? = nil, in workspace: UUID
    ) throws -> Channel {
        let current = try Channel(row: one("channel_lock", [workspace, id], what: "channel"))
        try demand(precondition, in: workspace, current)
        var next = current
        next.name = patch.name ?? current.name
        next.url = patch.url.applied(to: current.url)
        guard next != current else { return current }
        return try refusingChannelName {
            try Channel(row: one("channel_update", [workspace, id, next.name, next.url], what: "channel"))
        }
    }

    /// Replaces the token; the one before stops with this transaction.
    public func rotateToken(ofChannel id: UUID, in workspace: UUID) throws -> (channel: Channel, token: String) {
        let token = SecretToken(.channel, id: id)
        let row = try one("channel_set_token", [workspace, id, token.hash], what: "channel")
        try send("channel_secret_update", [workspace, id, token.text])
        return (try Channel(row: row), token.text)
    }

    /// Soft-deletes a channel that no published workflow names, and forgets its token.
    /// - Throws: `.channelInUse` naming the workflows.
    public func deleteChannel(
        _ id: UUID, if precondition: Precondition<Channel>? = nil, in workspace: UUID
    ) throws {
        let current = try Channel(row: one("channel_lock", [workspace, id], what: "channel"))
        try demand(precondition, in: workspace, current)
        try refuseReferenced("channel", id, as: .channelInUse, in: workspace)
        try send("channel_secret_delete", [workspace, id])
        try send("channel_delete", [workspace, id])
    }

    private func refusingChannelName<Result>(_ body: () throws -> Result) throws -> Result {
        try refusing("channels_name_key", as: .nameTaken, "Another channel has this name.", body)
    }
}

extension Channel {
    init(row: PostgresRow) throws {
        self.init(
            id: try row.decode("id"), name: try row.decode("name"), kind: try row.decode("kind"),
            url: try row.decode("url"), version: try row.decode("version"), createdAt: try row.decode("created_at"),
            updatedAt: try row.decode("updated_at"))
    }
}
