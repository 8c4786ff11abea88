import Core
import HTTPTypes
import Store

/// `/v1/channels`: connected accounts. What they hand in is in the inbound resource.
struct ChannelRoutes: Sendable {
    let store: Store

    var routes: [Route] {
        [
            Route(
                .get, "/v1/channels", "listChannels", access: .requires(.read), query: ["limit", "cursor"]
            ) { request in
                let page = try request.query { $0.page(key: .uuid) }
                let rows = try await store.channels(
                    in: request.workspace(), after: page.after?.uuid(0), limit: page.fetchLimit)
                return page.response(rows, item: \.json, key: { [.uuid($0.id)] })
            },
            Route(.post, "/v1/channels", "createChannel", access: .requires(.manage)) { request in
                let workspace = try request.workspace()
                let (name, kind, url) = try request.object { reader -> (String, Channel.Kind, String?)? in
                    let name = reader.required("name", .name)
                    let kind = reader.enumeration("kind", Channel.Kind.self)
                    let url = reader.optional("url", .url)
                    guard let name, let kind else { return nil }
                    return (name, kind, url)
                }
                return try await request.once(store) { transaction in
                    let (channel, token) = try transaction.createChannel(
                        name: name, kind: kind, url: url, in: workspace)
                    return StoredAnswer(
                        status: 201, body: channel.json, secret: .init(member: "token", value: token),
                        location: "/v1/channels/\(channel.id.lowercased)")
                }
            },
            Route(.get, "/v1/channels/{channel_id}", "getChannel", access: .requires(.read)) { request in
                .ok(try await store.channel(request.uuid("channel_id"), in: request.workspace()).json)
            },
            Route(.patch, "/v1/channels/{channel_id}", "updateChannel", access: .requires(.manage)) { request in
                let (workspace, id) = (try request.workspace(), try request.uuid("channel_id"))
                let patch = try request.object { reader in
                    ChannelPatch(name: reader.patchRequired("name", .name), url: reader.patch("url", .url))
                }
                let precondition = try request.precondition(\Channel.json)
                let channel = try await store.write {
                    try $0.updateChannel(id, patch, if: precondition, in: workspace)
                }
                return .ok(channel.json)
            },
            Route(
                .post, "/v1/channels/{channel_id}/token", "rotateChannelToken", access: .requires(.manage)
            ) { request in
                let (workspace, id) = (try request.workspace(), try request.uuid("channel_id"))
                try request.objectIfPresent { _ in () }
                return try await request.once(store) { transaction in
                    let (channel, token) = try transaction.rotateToken(ofChannel: id, in: workspace)
                    return StoredAnswer(
                        status: 200, body: channel.json, secret: .init(member: "token", value: token))
                }
            },
            Route(.delete, "/v1/channels/{channel_id}", "deleteChannel", access: .requires(.manage)) { request in
                let (workspace, id) = (try request.workspace(), try request.uuid("channel_id"))
                let precondition = try request.precondition(\Channel.json)
                try await store.write { try $0.deleteChannel(id, if: precondition, in: workspace) }
                return .noContent
            },
        ]
    }
}

extension Channel {
    var json: JSON {
        [
            "id": .id(id), "name": .string(name), "kind": .string(kind), "url": .text(url),
            "created_at": .instant(createdAt), "updated_at": .instant(updatedAt),
        ]
    }
}
