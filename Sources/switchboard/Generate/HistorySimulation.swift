import Core
import Foundation
import Postgres

/// One workspace's past, moment by moment: who wrote, what the workflow did, who was free, who waited.
///
/// Everything is decided by the code that decides it in production: `advance` takes runs through the workflow, `serve` hands
/// out lines, `Conversation.record` numbers events. So what comes out keeps the invariants because they are kept on the
/// way. Times of different happenings are at least a microsecond apart.
struct HistorySimulation {
    enum Action {
        case arrive
        case begin(Int)
        case contactWrites(Int)
        case agentWrites(Int)
        case handOver(Int)
        case close(Int)
        case giveUp(Int)
        case shift(Int, Agent.Presence)
    }

    /// A member of the staff as the simulation goes on.
    struct Seat {
        let member: HistoryDirectory.Member
        var presence = Agent.Presence.offline
        var presenceChangedAt: Int
        var openCount = 0
        /// By team, and what round robin gave there last.
        var turns: [Int: Int64] = [:]
        var leavesAt: Int
    }

    struct Entry {
        let id: UUID
        let life: Int
        let queuedAt: Int
        let strategy: RoutingStrategy
        let visit: Int
        let step: String?
    }

    struct Line {
        var entries: [Entry] = []
        var lastTurn: Int64 = 0
    }

    struct Person {
        let id: UUID
        let name: String
        let externalID: String
        let channel: Int
        let language: String
        var isBusy = false
        var lastAgent: UUID?
    }

    let directory: HistoryDirectory
    let conversations: Int
    let rhythm: Rhythm
    let end: Int
    var random: SplitMix64
    var queue = ActionQueue<Action>()
    var seats: [Seat]
    var lines: [Line]
    var people: [Person] = []
    /// Conversations that are not over; slots are used again.
    var lives: [HistoryLife?] = []
    var freeSlots: [Int] = []
    var arrived = 0
    var opened = 0
    var batch = HistoryBatch()
    private var clock = 0

    init(_ directory: HistoryDirectory, conversations: Int, rhythm: Rhythm, plan: HistoryPlan, random: SplitMix64) {
        self.directory = directory
        self.conversations = conversations
        self.rhythm = rhythm
        self.random = random
        let start = Timestamp.microseconds(of: plan.start)
        end = Timestamp.microseconds(of: plan.end)
        clock = start
        let length = Double(end - start)
        seats = directory.members.map { member in
            Seat(
                member: member, presenceChangedAt: start,
                leavesAt: member.leaves > 1 ? .max : start + Int(length * member.leaves))
        }
        lines = directory.teams.map { _ in Line() }
        planShifts(days: plan.days, from: plan.start)
        planArrival()
    }

    /// Goes on until so many rows are gathered, or to the end.
    /// - Returns: the rows; nil when everything has happened.
    mutating func advance(rows: Int) -> HistoryBatch? {
        while batch.count < rows, let (time, action) = queue.next(), time < end {
            clock = max(clock + 1, time)
            perform(action)
        }
        guard batch.count > 0 else { return nil }
        defer { batch = HistoryBatch() }
        return batch
    }

    /// What is still open at the end, as it stands.
    mutating func finish() -> HistoryBatch {
        for slot in lives.indices where lives[slot] != nil { release(slot) }
        defer { batch = HistoryBatch() }
        return batch
    }

    /// A moment that is nobody else's.
    mutating func tick() -> Date {
        clock += 1
        return Timestamp.date(microsecondsSince1970: clock)
    }

    mutating func id(at date: Date) -> UUID { UUIDv7.make(exactlyAt: date, using: &random) }

    mutating func plan(_ action: Action, after seconds: Double) {
        queue.plan(action, at: clock + max(1, Int(seconds * 1_000_000)))
    }

    var now: Int { clock }

    // MARK: What was planned from the beginning

    mutating func planArrival() {
        guard arrived < conversations else { return }
        // One in each equal share of everything: sorted by construction, and in the rhythm of the week.
        let share = (Double(arrived) + Double.random(in: 0..<1, using: &random)) / Double(conversations)
        arrived += 1
        queue.plan(.arrive, at: rhythm.moment(at: share))
    }

    private mutating func planShifts(days: Int, from start: Date) {
        let first = directory.zone.day(at: start)
        for number in 0...days {
            let day = first.adding(days: number)
            // 1 January 1970 was a Thursday.
            let isWeekend = (day.number + 3) % 7 > 4
            for index in seats.indices where !isWeekend || seats[index].member.worksOnWeekends {
                let late = Double.random(in: -600..<600, using: &random)
                let begin = directory.zone.firstInstant(
                    of: day, secondsAfterMidnight: seats[index].member.shift * 3600)
                let moment = Timestamp.microseconds(of: begin) + Int(late * 1_000_000)
                guard moment > clock, moment < seats[index].leavesAt else { continue }
                queue.plan(.shift(index, .online), at: moment)
                queue.plan(.shift(index, .away), at: moment + 14_400_000_000)
                queue.plan(.shift(index, .online), at: moment + 16_200_000_000)
                queue.plan(.shift(index, .offline), at: moment + 30_600_000_000)
            }
        }
    }

    // MARK: Slots

    mutating func admit(_ life: HistoryLife) -> Int {
        if let slot = freeSlots.popLast() {
            lives[slot] = life
            return slot
        }
        lives.append(life)
        return lives.count - 1
    }

    /// Hands the conversation's rows over; its slot is free.
    mutating func release(_ slot: Int) {
        guard let life = lives[slot] else { return }
        batch.add(life.finished(directory))
        people[life.person].isBusy = false
        lives[slot] = nil
        freeSlots.append(slot)
    }
}
