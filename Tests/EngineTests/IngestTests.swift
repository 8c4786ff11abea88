import Core
import Engine
import Foundation
import Logging
import Store
import TestKit
import Testing

@Suite struct IngestTests {
    /// Invariant 1: two combiners on two stores stand for two API processes; the database is all they share.
    @Test(.timeLimit(.minutes(15)))
    func simultaneousFirstMessagesOpenOneConversation() async throws {
        try await withTestStore { first, url in
            let second = try await openTestStore(url)
            let scenario = try await Scenario(first)
            let (team, _) = try await scenario.team(limits: [nil])
            try await scenario.publishAssign(to: team)
            let combiners = [first, second].map {
                IngestCombiner(store: $0, logger: TestDatabase.silentLogger, maximumWait: .seconds(600))
            }
            for round in 0..<20 {
                let contact = "contact-\(round)"
                let results = try await withThrowingTaskGroup(of: [InboundResult].self) { group in
                    for index in 0..<200 {
                        group.addTask {
                            try await combiners[index % 2].accept([scenario.message(contact)], in: scenario.workspace)
                        }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
                #expect(results.count == 200)
                #expect(results.allSatisfy { $0.status == .accepted })
                #expect(Set(results.map(\.conversationID)).count == 1)
                #expect(results.count { $0.opened } == 1)
            }
            #expect(try await first.value("SELECT count(*) AS count FROM conversations") == 20)
            #expect(try await first.value("SELECT count(*) AS count FROM contacts") == 20)
            #expect(try await first.value("SELECT count(*) AS count FROM runs") == 20)
            #expect(try await first.value("SELECT count(*) AS count FROM messages") == 4000)
            try await scenario.requireConsistency()
            await second.database.close()
        }
    }

    /// The same, racing the closing of the conversation before: every message lands in a conversation, and each opening
    /// has its event and its run.
    @Test(.timeLimit(.minutes(15)))
    func firstMessagesRaceTheCloseOfTheConversationBefore() async throws {
        try await withTestStore { first, url in
            let second = try await openTestStore(url)
            let scenario = try await Scenario(first)
            let (team, _) = try await scenario.team(limits: [nil])
            try await scenario.publishAssign(to: team)
            let combiners = [first, second].map {
                IngestCombiner(store: $0, logger: TestDatabase.silentLogger, maximumWait: .seconds(600))
            }
            for round in 0..<20 {
                let contact = "contact-\(round)"
                let before = try await combiners[0].accept([scenario.message(contact)], in: scenario.workspace)
                let conversation = try #require(before[0].conversationID)
                let results = try await withThrowingTaskGroup(of: [InboundResult].self) { group in
                    for index in 0..<100 {
                        if index == 37 {
                            group.addTask {
                                try await second.write {
                                    try $0.closeConversation(
                                        conversation, category: nil, summary: nil, by: Scenario.caller,
                                        in: scenario.workspace)
                                }
                                return []
                            }
                        }
                        group.addTask {
                            try await combiners[index % 2].accept([scenario.message(contact)], in: scenario.workspace)
                        }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
                #expect(results.allSatisfy { $0.status == .accepted && $0.conversationID != nil })
                #expect(Set(results.map(\.conversationID)).count <= 2)
            }
            let opened: Int = try await first.value("SELECT count(*) AS count FROM conversations")
            #expect(try await first.value("SELECT count(*) AS count FROM runs") == opened)
            try await scenario.requireConsistency()
            await second.database.close()
        }
    }

    /// S6: one caller of a hundred brings what cannot be stored; the others never notice.
    @Test func onePoisonedCallerOfAHundred() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let combiner = IngestCombiner(store: store, logger: TestDatabase.silentLogger, maximumWait: .seconds(600))
            let results = try await withThrowingTaskGroup(of: (Int, InboundResult).self) { group in
                for index in 0..<100 {
                    group.addTask {
                        let text = index == 42 ? "a NUL \u{0} here" : "fine"
                        return (
                            index,
                            try await combiner.accept([scenario.message("c\(index)", text)], in: scenario.workspace)[0]
                        )
                    }
                }
                return try await group.reduce(into: [Int: InboundResult]()) { $0[$1.0] = $1.1 }
            }
            for (index, result) in results {
                #expect(result.status == (index == 42 ? .rejected : .accepted))
            }
            #expect(try await store.value("SELECT count(*) AS count FROM messages") == 99)
            try await scenario.requireConsistency()
        }
    }

    /// S7: by channel and id, whatever the text; twice in one call, the second is the duplicate.
    @Test func redeliveriesChangeNothing() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let combiner = IngestCombiner(store: store, logger: TestDatabase.silentLogger, maximumWait: .seconds(600))
            let events = [
                scenario.message("a", "one", id: "m1"), scenario.message("a", "two", id: "m2"),
                scenario.message("a", "other text", id: "m1"),
            ]
            let first = try await combiner.accept(events, in: scenario.workspace)
            #expect(first.map(\.status) == [.accepted, .accepted, .duplicate])
            #expect(first.map(\.opened) == [true, false, true])
            let again = try await combiner.accept(events, in: scenario.workspace)
            #expect(again.map(\.status) == [.duplicate, .duplicate, .duplicate])
            #expect(again.map(\.conversationID) == first.map(\.conversationID))
            #expect(again.map(\.opened) == first.map(\.opened))
            #expect(try await store.value("SELECT count(*) AS count FROM messages") == 2)
        }
    }

    /// S8: a profile fills what is empty; a blocked contact's message is kept and opens nothing.
    @Test func profilesFillAndBlockedContactsOpenNothing() async throws {
        try await withTestStore { store, _ in
            let scenario = try await Scenario(store)
            let combiner = IngestCombiner(store: store, logger: TestDatabase.silentLogger, maximumWait: .seconds(600))
            var event = scenario.message("a")
            _ = try await combiner.accept([event], in: scenario.workspace)
            event = scenario.message("a")
            event.message.profile = ContactProfile(name: "Another", email: "a@example.org")
            _ = try await combiner.accept([event], in: scenario.workspace)
            let row = try #require(try await store.rows("SELECT name, email FROM contacts").first)
            #expect(try row.decode("name") == "Contact a")
            #expect(try row.decode("email") == "a@example.org")
            try await store.execute("UPDATE contacts SET blocked = true")
            try await store.execute(
                "UPDATE conversations SET status = 'closed', closed_at = now()")
            let blocked = try await combiner.accept([scenario.message("a")], in: scenario.workspace)[0]
            #expect(blocked.status == .accepted)
            #expect(blocked.conversationID == nil)
            #expect(!blocked.opened)
            #expect(try await store.value("SELECT count(*) AS count FROM conversations") == 1)
        }
    }
}
