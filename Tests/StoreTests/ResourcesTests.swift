import Core
import Foundation
import OrderedCollections
import Postgres
import Store
import TestKit
import Testing

@Suite("Workspaces, keys, people, channels and contacts in the database")
struct ResourcesTests {
    @Test("a secret opens its own row only, and a revoked or expired key opens nothing at once")
    func keys() async throws {
        try await withTestStore { store, _ in
            let (workspace, owner) = try await store.write {
                let made = try $0.createWorkspace(name: "One", timeZone: "Europe/Madrid")
                return (made.workspace.id, made.key)
            }
            guard case .key(let found) = try await store.authenticate(token: owner) else {
                Issue.record("the first key is no owner key")
                return
            }
            #expect(found.workspace == workspace && found.limits.isUnlimitedOwner)

            let channel = try await store.write {
                try $0.createChannel(name: "Chat", kind: .custom, url: nil, in: workspace)
            }
            #expect(
                try await store.authenticate(token: channel.token)
                    == .channel(workspace: workspace, id: channel.channel.id, name: "Chat"))
            let rotated = try await store.write { try $0.rotateToken(ofChannel: channel.channel.id, in: workspace) }
            #expect(try await store.authenticate(token: channel.token) == nil)
            #expect(try await store.authenticate(token: rotated.token) != nil)

            // The id of one, the secret of the other.
            let id = owner.split(separator: "_")[1]
            let secret = rotated.token.split(separator: "_")[2]
            for forged in ["sb_\(id)_\(secret)", "sbc_\(id)_\(secret)", "sbo_\(id)_\(secret)", owner + "0", "sb__", ""]
            {
                #expect(try await store.authenticate(token: forged) == nil)
            }

            let late = try await store.write {
                try $0.createKey(
                    name: "Late", limits: KeyLimits(role: .viewer, expiresAt: Date(timeIntervalSinceNow: -1)),
                    in: workspace)
            }
            #expect(try await store.authenticate(token: late.token) == nil)
            let brief = try await store.write {
                try $0.createKey(name: "Brief", limits: KeyLimits(role: .agent), in: workspace)
            }
            #expect(try await store.authenticate(token: brief.token) != nil)
            _ = try await store.write { try $0.revokeKey(brief.key.id, in: workspace) }
            #expect(try await store.authenticate(token: brief.token) == nil)

            let (operatorKey, token) = try await store.write { try $0.createOperatorKey(name: "Root") }
            #expect(try await store.authenticate(token: token) == .operatorKey(id: operatorKey.id, name: "Root"))
            _ = try await store.write { try $0.revokeOperatorKey(operatorKey.id) }
            #expect(try await store.authenticate(token: token) == nil)
            #expect(try await store.keys(in: workspace, after: nil, limit: 10).count == 3)
        }
    }

    @Test("names are taken whatever their case, free again after deletion, and another workspace's to use")
    func names() async throws {
        try await withTestStore { store, _ in
            let one = try await Scenario(store)
            let two = try await Scenario(store)
            let team = try await store.write {
                try $0.createTeam(name: "Cards", by: Scenario.caller, in: one.workspace)
            }
            await expect(throws: conflict(.nameTaken)) {
                try await store.write { try $0.createTeam(name: "CARDS", by: Scenario.caller, in: one.workspace) }
            }
            _ = try await store.write { try $0.createTeam(name: "cards", by: Scenario.caller, in: two.workspace) }
            await expect(throws: notFound) {
                try await store.write { try $0.deleteTeam(team.id, by: Scenario.caller, in: two.workspace) }
            }
            try await store.write { try $0.deleteTeam(team.id, by: Scenario.caller, in: one.workspace) }
            _ = try await store.write { try $0.createTeam(name: "CARDS", by: Scenario.caller, in: one.workspace) }
            await expect(throws: notFound) { try await store.team(team.id, in: one.workspace) }

            await expect(throws: conflict(.nameTaken)) {
                try await store.write { try $0.createChannel(name: "chat", kind: .custom, url: nil, in: one.workspace) }
            }
            for email in ["Ana@example.com", "ana@EXAMPLE.com"] {
                let make = {
                    try await store.write {
                        try $0.createAgent(
                            NewAgent(name: "Ana", email: email), by: Scenario.caller, in: one.workspace)
                    }
                }
                if email.hasPrefix("A") {
                    _ = try await make()
                } else {
                    await expect(throws: conflict(.emailTaken)) { try await make() }
                }
            }
            for zone in ["Mars/Olympus", "Europe/Atlantis"] {
                await #expect(throws: StoreError.self) {
                    try await store.write { try $0.createWorkspace(name: "Zone", timeZone: zone) }
                }
            }
            // A refused creation left nothing behind.
            #expect(try await store.workspace(named: "zone") == nil)
        }
    }

    @Test("presence, limit and membership are facts, once each, with their values before and after")
    func agentEvents() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let workspace = scenario.workspace
            let caller = Scenario.caller
            let (team, agents) = try await scenario.team(limits: [5], presence: .offline)
            let agent = agents[0]
            for presence in [Agent.Presence.online, .online, .away] {
                _ = try await store.write {
                    try $0.setPresence(presence, ofAgent: agent, by: caller, in: workspace)
                }
            }
            _ = try await store.write {
                try $0.updateAgent(agent, AgentPatch(maxOpen: .null), by: caller, in: workspace)
            }
            // The same again is no change and no fact.
            let same = try await store.write {
                try $0.updateAgent(agent, AgentPatch(maxOpen: .null), by: caller, in: workspace)
            }
            _ = try await store.write { try $0.addMember(agent, toTeam: team, by: caller, in: workspace) }
            try await store.write { try $0.deleteAgent(agent, releasing: nil, by: caller, in: workspace) }
            #expect(same.maxOpen == nil)
            #expect(try await store.team(team, in: workspace).memberCount == 0)

            let rows = try await store.rows(
                "SELECT type, data FROM events WHERE workspace_id = $1 AND data ->> 'agent_id' = $2 ORDER BY id",
                [workspace, agent.lowercased])
            let types: [String] = try rows.decode("type")
            #expect(
                types == [
                    "agent.created", "team.member_added", "agent.presence_changed", "agent.presence_changed",
                    "agent.updated", "team.member_removed", "agent.presence_changed", "agent.deleted",
                ])
            let data = try rows.decode("data", as: String.self).map { try JSON.parse($0) }
            #expect(data[3]["previous"] == "online" && data[3]["presence"] == "away")
            #expect(data[4]["previous_max_open"] == 5 && data[4]["max_open"] == .null)
        }
    }

    @Test("what somebody waits for or holds is not deleted until it is released")
    func inUse() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let workspace = scenario.workspace
            let caller = Scenario.caller
            let (team, agents) = try await scenario.team(limits: [nil, nil], presence: .offline)
            let contact = try await store.write { try $0.createContact(NewContact(), by: caller, in: workspace) }
            let conversation = try await store.write {
                try $0.createConversation(
                    contact: contact.id, channel: nil, subject: nil, custom: nil, priority: nil, by: caller,
                    in: workspace)
            }
            try await store.write {
                try $0.assign(
                    conversation, to: AssignRequest(teamID: team, strategy: .roundRobin), by: caller, in: workspace)
            }
            await expect(throws: conflict(.teamInUse)) {
                try await store.write { try $0.deleteTeam(team, by: caller, in: workspace) }
            }
            // Somebody waits: coming online marks the line.
            _ = try await store.write { try $0.setPresence(.online, ofAgent: agents[0], by: caller, in: workspace) }
            let marks: Int = try await store.value(
                "SELECT count(*) AS marks FROM line_marks WHERE workspace_id = $1 AND line_id = $2", [workspace, team])
            #expect(marks >= 1)

            try await store.write {
                try $0.assign(conversation, to: AssignRequest(agentID: agents[0]), by: caller, in: workspace)
            }
            await expect(throws: conflict(.agentHasOpenConversations)) {
                try await store.write { try $0.deleteAgent(agents[0], releasing: nil, by: caller, in: workspace) }
            }
            try await store.write {
                try $0.deleteAgent(agents[0], releasing: .transfer(to: agents[1]), by: caller, in: workspace)
            }
            #expect(try await store.agent(agents[1], in: workspace).openCount == 1)
            try await scenario.requireConsistency()

            try await scenario.publishAssign(to: team)
            try await store.write { try $0.deleteAgent(agents[1], releasing: .returnToLine, by: caller, in: workspace) }
            try await scenario.requireConsistency()
            await expect(throws: conflict(.teamInUse)) {
                try await store.write { try $0.deleteTeam(team, by: caller, in: workspace) }
            }
        }
    }

    @Test("fields hold values of their kind, unknown ones become text, and events tell names only")
    func contactFields() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let workspace = scenario.workspace
            let caller = Scenario.caller
            _ = try await store.write {
                try $0.createContactField(name: "age", kind: .number, description: nil, in: workspace)
            }
            var new = NewContact()
            new.name = "Marker person"
            new.fields = ["age": "forty", "topic": 7]
            let wrong = new
            let errors = await #expect(throws: StoreError.self) {
                try await store.write { try $0.createContact(wrong, by: caller, in: workspace) }
            }
            guard case .invalid(let list)? = errors else {
                Issue.record("not a validation error")
                return
            }
            #expect(list.map(\.pointer) == ["/fields/age", "/fields/topic"])

            new.fields = ["age": 40, "topic": "Marker value"]
            new.tags = ["vip"]
            let right = new
            let contact = try await store.write { try $0.createContact(right, by: caller, in: workspace) }
            #expect(try await store.contactField("topic", in: workspace).kind == .text)
            var patch = ContactPatch()
            patch.fields = ["age": .null]
            patch.email = .value("m@example.com")
            let change = patch
            let changed = try await store.write {
                try $0.updateContact(contact.id, change, by: caller, in: workspace)
            }
            #expect(changed.fields == ["topic": "Marker value"])
            let byEmail = try await store.contacts(
                in: workspace, where: ContactFilter(email: "M@EXAMPLE.com"), after: nil, limit: 2)
            #expect(byEmail.map(\.id) == [contact.id])

            let rows = try await store.rows(
                "SELECT data FROM events WHERE workspace_id = $1 AND type LIKE 'contact.%' ORDER BY id", [workspace])
            let told = try rows.decode("data", as: String.self).map { try JSON.parse($0)["fields"] }
            #expect(told == [["name", "tags", "fields.age", "fields.topic"], ["email", "fields.age"]])
        }
    }

    @Test("an identity belongs to one contact, and two who claim it at once do not both get it")
    func identities() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let workspace = scenario.workspace
            let identity = Contact.Identity(channelID: scenario.channel, externalID: "ext-1")
            let contacts = try await store.write { transaction in
                try (0..<4).map { _ in
                    try transaction.createContact(NewContact(), by: Scenario.caller, in: workspace).id
                }
            }
            let winners = try await withThrowingTaskGroup(of: UUID?.self) { group in
                for contact in contacts {
                    group.addTask {
                        do {
                            return try await store.write {
                                try $0.addIdentity(identity, toContact: contact, by: Scenario.caller, in: workspace)
                            }.id
                        } catch StoreError.conflict(.identityTaken, _, _) {
                            return nil
                        }
                    }
                }
                return try await group.reduce(into: []) { winners, id in winners += id.map { [$0] } ?? [] }
            }
            #expect(winners.count == 1)
            let found = try await store.contacts(
                in: workspace, where: ContactFilter(identity: identity), after: nil, limit: 5)
            #expect(found.map(\.id) == winners)
            _ = try await store.write {
                try $0.removeIdentity(identity, fromContact: winners[0], by: Scenario.caller, in: workspace)
            }
            await expect(throws: notFound) {
                try await store.write {
                    try $0.removeIdentity(identity, fromContact: winners[0], by: Scenario.caller, in: workspace)
                }
            }
        }
    }

    @Test("erasing a contact leaves its words nowhere in the database")
    func erasure() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let workspace = scenario.workspace
            let caller = Scenario.caller
            let (team, agents) = try await scenario.team(limits: [nil])
            try await scenario.publishAssign(to: team)
            let marker = "xyzzymarker"
            var new = NewContact()
            new.name = marker
            new.email = "\(marker)@example.com"
            new.phone = "+34600111222"
            new.tags = [marker]
            new.fields = ["topic": .string(marker)]
            new.identities = [Contact.Identity(channelID: scenario.channel, externalID: marker)]
            let given = new
            let claim = IdempotencyClaim(
                caller: "c", key: "k", operation: "o", fingerprint: [1], seal: AnswerSeal(token: "t", key: "k"))
            let contact = try await store.write { transaction in
                let (answer, _) = try transaction.once(claim, in: workspace) {
                    let contact = try transaction.createContact(given, by: caller, in: workspace)
                    return StoredAnswer(
                        status: 201, body: ["id": .id(contact.id), "name": .text(contact.name)], about: contact.id)
                }
                guard let id = answer.body["id"]?.string.flatMap({ UUID(uuidString: $0) }) else {
                    throw StoreError.notFound(what: "id")
                }
                return id
            }
            let conversation = try await store.write {
                try $0.createConversation(
                    contact: contact, channel: scenario.channel, subject: marker, custom: ["note": .string(marker)],
                    priority: nil, by: caller, in: workspace)
            }
            try await store.write {
                try $0.assign(conversation, to: AssignRequest(agentID: agents[0]), by: caller, in: workspace)
            }
            _ = try await store.write {
                try $0.sendMessage(marker, in: conversation, by: caller, workspace: workspace)
            }
            _ = try await store.write {
                try $0.addComment(marker, in: conversation, by: caller, workspace: workspace)
            }
            #expect(try await tables(holding: marker, store) != [])
            try await store.write { try $0.eraseContact(contact, by: caller, in: workspace) }
            #expect(try await tables(holding: marker, store) == [])
            try await scenario.requireConsistency()
            await expect(throws: notFound) { try await store.contact(contact, in: workspace) }
            await expect(throws: notFound) {
                try await store.write { try $0.eraseContact(contact, by: caller, in: workspace) }
            }
        }
    }

    @Test("a repeated request is done once, also when both run at the same time")
    func idempotency() async throws {
        try await withTestStore { store, _ in
            let workspace = try await Scenario(store).workspace
            let claim = IdempotencyClaim(
                caller: "c", key: "k", operation: "createTeam", fingerprint: [1, 2],
                seal: AnswerSeal(token: "t", key: "k"))
            @Sendable func create(_ claim: IdempotencyClaim) async throws -> (answer: StoredAnswer, isReplayed: Bool) {
                while true {
                    do {
                        return try await store.once(claim, in: workspace) { transaction in
                            let team = try transaction.createTeam(name: "Once", by: Scenario.caller, in: workspace)
                            return StoredAnswer(status: 201, body: ["id": .id(team.id)], location: "/v1/teams/x")
                        }
                    } catch StoreError.conflict(.idempotencyKeyInUse, _, _) {
                        await Task.yield()
                    }
                }
            }
            let answers = try await withThrowingTaskGroup(of: (StoredAnswer, Bool).self) { group in
                for _ in 0..<4 { group.addTask { try await create(claim) } }
                return try await group.reduce(into: [(StoredAnswer, Bool)]()) { $0.append($1) }
            }
            #expect(answers.count { !$0.1 } == 1)
            #expect(Set(answers.map { $0.0.body }).count == 1)
            #expect(answers.allSatisfy { $0.0.status == 201 && $0.0.location == "/v1/teams/x" })
            var other = claim
            other.fingerprint = [9]
            let different = other
            await #expect(throws: IdempotencyKeyReused.self) { try await create(different) }
        }
    }

    @Test("lists are read to their end in order, without gaps, whatever is inserted meanwhile")
    func paging() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let workspace = scenario.workspace
            let (_, agents) = try await scenario.team(limits: Array(repeating: nil, count: 7))
            var seen: [UUID] = []
            var after: UUID?
            while true {
                let rows = try await store.agents(in: workspace, after: after, limit: 3)
                seen += rows.map(\.id)
                guard rows.count == 3 else { break }
                after = rows.last?.id
                if seen.count == 3 {
                    _ = try await store.write {
                        try $0.createAgent(NewAgent(name: "New"), by: Scenario.caller, in: workspace)
                    }
                }
            }
            #expect(Array(seen.prefix(7)) == agents)
            #expect(seen.count == 8)
        }
    }
}

/// Matches the conflict of that kind.
private func conflict(_ kind: Conflict) -> (any Error) -> Bool {
    { error in
        guard case StoreError.conflict(let found, _, _) = error else { return false }
        return found == kind
    }
}

private func notFound(_ error: any Error) -> Bool {
    guard case StoreError.notFound = error else { return false }
    return true
}

/// Records an issue unless the body throws an error that matches.
private func expect<Value>(
    throws matches: (any Error) -> Bool, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Value
) async {
    do {
        _ = try await body()
        Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    } catch {
        if !matches(error) { Issue.record(error, sourceLocation: sourceLocation) }
    }
}

/// The tables that hold the text in any column of any row.
private func tables(holding text: String, _ store: Store) async throws -> [String] {
    let names: [String] = try await store.rows(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
    ).decode("tablename")
    var found: [String] = []
    for name in names {
        let count: Int = try await store.value(
            "SELECT count(*) AS count FROM \(name) t WHERE t::text LIKE $1", ["%\(text)%"])
        if count > 0 { found.append(name) }
    }
    return found
}
