import Core
import Foundation
import Postgres
import Store

/// Both reports counted a second time, in memory, from the events alone, as docs/semantics.md S30–S32 say it.
struct EventRecount {
    /// The measures of one row; a missing time means no data.
    typealias Measures = [String: Double]

    struct Group: Hashable {
        let key: String?
    }

    private struct Person: Hashable {
        var id: String?
        var name: String?
        /// When the name was said.
        var at = 0
    }

    private struct Fact {
        let kind: String
        let at: Int
        let source: String
        let channel: String?
        var team: Person?
        var agent: Person?
        var seconds: Double?
        /// False where the fact belongs to nobody (an opening has no team).
        var hasPeople = true
    }

    private struct Change {
        let at: Int
        let team: Person
        /// Nil when the change says nothing of the agent.
        let agent: Person?
    }

    private struct Life {
        var opened = 0
        var source = ""
        var channel: String?
        var closed: Int?
        var changes: [Change] = []
    }

    private var conversationFacts: [Fact] = []
    private var assignmentFacts: [Fact] = []
    private var lives: [Life] = []

    init(store: Store, workspace: UUID) async throws {
        let rows = try await store.rows(
            """
            SELECT type, conversation_id::text AS conversation, occurred_at, source, data::text AS data FROM events
            WHERE workspace_id = $1 AND conversation_id IS NOT NULL ORDER BY conversation_id, sequence
            """, [workspace])
        var current: String?
        var life = Life()
        var hasReply = false
        for row in rows {
            let conversation: String = try row.decode("conversation")
            let at = Timestamp.microseconds(of: try row.decode("occurred_at"))
            let source: String = try row.decode("source")
            let data = try JSON.parse(try row.decode("data", as: String.self))
            if conversation != current {
                if current != nil { lives.append(life) }
                current = conversation
                life = Life()
                hasReply = false
            }
            func person(_ role: String) -> Person {
                Person(id: data["\(role)_id"]?.string, name: data["\(role)_name"]?.string, at: at)
            }
            func fact(_ kind: String, _ source: String, _ agent: Person?, _ seconds: Double? = nil) -> Fact {
                Fact(
                    kind: kind, at: at, source: source, channel: life.channel, team: person("team"), agent: agent,
                    seconds: seconds)
            }
            switch try row.decode("type", as: String.self) {
            case "conversation.opened":
                life.opened = at
                life.source = source
                life.channel = data["channel_id"]?.string
                var opening = fact("opened", source, nil)
                opening.hasPeople = false
                conversationFacts.append(opening)
            case "conversation.closed":
                life.closed = at
                conversationFacts.append(fact("closed", life.source, person("agent"), Double(at - life.opened) / 1e6))
            case "message.sent" where source == "agent":
                if !hasReply, life.source == "contact" {
                    conversationFacts.append(
                        fact("replied", life.source, person("agent"), Double(at - life.opened) / 1e6))
                }
                hasReply = true
            case "conversation.unassigned":
                life.changes.append(Change(at: at, team: person("team"), agent: Person()))
                assignmentFacts.append(fact("unassignment", source, person("previous_agent")))
            case "conversation.assigned":
                let kind = data["kind"]?.string ?? ""
                life.changes.append(Change(at: at, team: person("team"), agent: kind == "team" ? nil : person("agent")))
                guard kind != "team" else { break }
                let entered = data["entered_at"]?.string.flatMap(Timestamp.parse).map(Timestamp.microseconds(of:))
                assignmentFacts.append(fact(kind, source, person("agent"), entered.map { Double(at - $0) / 1e6 }))
                if kind == "transfer" { assignmentFacts.append(fact("given", source, person("previous_agent"))) }
            default: break
            }
        }
        if current != nil { lives.append(life) }
    }

    // MARK: The reports

    func conversations(_ window: Range<Int>, _ zone: TimeZone, by grouping: String) -> [Group?: (String?, Measures)] {
        var facts = conversationFacts.filter { window.contains($0.at) }
        for life in lives where life.opened < window.upperBound && (life.closed ?? .max) >= window.upperBound {
            let changes = life.changes.filter { $0.at < window.upperBound }
            facts.append(
                Fact(
                    kind: "open", at: window.upperBound - 1, source: life.source, channel: life.channel,
                    team: changes.last?.team, agent: changes.last { $0.agent != nil }?.agent))
        }
        var result = grouped(facts, window, zone, grouping) { facts in
            var measures: Measures = [:]
            for (measure, kind) in [("opened", "opened"), ("closed", "closed"), ("open_at_end", "open")] {
                measures[measure] = Double(facts.count { $0.kind == kind })
            }
            Self.times("first_response", facts.filter { $0.kind == "replied" }, [0.5, 0.9, 0.95], &measures)
            Self.times("resolution", facts.filter { $0.kind == "closed" }, [0.5, 0.9, 0.95], &measures)
            return measures
        }
        for key in result.keys {
            guard let key else { continue }
            if ["team", "agent"].contains(grouping) { result[key]?.1["opened"] = nil }
            guard grouping == "day", let day = key.key else { continue }
            // Open at the end of a day is asked of the conversations, one by one.
            let end = min(Self.end(of: day, zone), window.upperBound)
            result[key]?.1["open_at_end"] = Double(
                lives.count { $0.opened < end && ($0.closed ?? .max) >= end })
        }
        return result
    }

    func assignments(_ window: Range<Int>, _ zone: TimeZone, by grouping: String) -> [Group?: (String?, Measures)] {
        let facts = assignmentFacts.filter { window.contains($0.at) }
        var result = grouped(facts, window, zone, grouping) { facts in
            var measures: Measures = [:]
            for (measure, kind) in [
                ("assignments", "assignment"), ("unassignments", "unassignment"), ("transfers", "transfer"),
                ("transfers_in", "transfer"), ("transfers_out", "given"),
            ] {
                measures[measure] = Double(facts.count { $0.kind == kind })
            }
            let waited = facts.filter { $0.seconds != nil }
            Self.times("waiting", waited, [0.5, 0.95], &measures)
            measures["waiting_longest"] = waited.compactMap(\.seconds).max()
            return measures
        }
        if grouping != "agent" {
            for case let key? in result.keys {
                result[key]?.1["transfers_in"] = nil
                result[key]?.1["transfers_out"] = nil
            }
        }
        return result
    }

    // MARK: Grouping

    /// The rows by their key and, under nil, the total.
    private func grouped(
        _ facts: [Fact], _ window: Range<Int>, _ zone: TimeZone, _ grouping: String, _ measure: ([Fact]) -> Measures
    ) -> [Group?: (String?, Measures)] {
        var groups: [Group?: [Fact]] = [.none: facts]
        if grouping == "day" {
            for day in Self.days(window, zone) { groups[Group(key: day)] = [] }
        }
        for fact in facts {
            switch grouping {
            case "day": groups[Group(key: Self.day(fact.at, zone)), default: []].append(fact)
            case "source": groups[Group(key: fact.source), default: []].append(fact)
            case "channel": groups[Group(key: fact.channel), default: []].append(fact)
            case "team" where fact.hasPeople: groups[Group(key: fact.team?.id), default: []].append(fact)
            case "agent" where fact.hasPeople: groups[Group(key: fact.agent?.id), default: []].append(fact)
            default: break
            }
        }
        var result: [Group?: (String?, Measures)] = [:]
        for (group, facts) in groups {
            let people = facts.compactMap { grouping == "team" ? $0.team : grouping == "agent" ? $0.agent : nil }
            let named = people.filter { $0.name != nil && group?.key != nil }
                .max { ($0.at, $1.name ?? "") < ($1.at, $0.name ?? "") }
            result[group] = (named?.name, measure(facts))
        }
        return result
    }

    private static func times(_ name: String, _ facts: [Fact], _ percentiles: [Double], _ measures: inout Measures) {
        let seconds = facts.compactMap(\.seconds).sorted()
        measures["\(name)_count"] = Double(seconds.count)
        guard let last = seconds.last else { return }
        measures["\(name)_mean"] = seconds.reduce(0, +) / Double(seconds.count)
        for percentile in percentiles {
            let place = percentile * Double(seconds.count - 1)
            let below = seconds[Int(place)]
            let above = Int(place) + 1 < seconds.count ? seconds[Int(place) + 1] : last
            measures["\(name)_p\(Int((percentile * 100).rounded()))"] =
                below + (above - below) * (place - place.rounded(.down))
        }
    }

    // MARK: Days, by Foundation's calendar and not by ours

    private static func calendar(_ zone: TimeZone) -> Calendar {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        return calendar
    }

    private static func date(_ microseconds: Int) -> Date {
        Date(timeIntervalSince1970: Double(microseconds / 1000) / 1000)
    }

    static func day(_ at: Int, _ zone: TimeZone) -> String { text(date(at), calendar(zone)) }

    private static func text(_ date: Date, _ calendar: Calendar) -> String {
        let parts = calendar.dateComponents([.year, .month, .day], from: date)
        return String(format: "%04d-%02d-%02d", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0)
    }

    static func days(_ window: Range<Int>, _ zone: TimeZone) -> [String] {
        let calendar = calendar(zone)
        var days: [String] = []
        var date = calendar.startOfDay(for: date(window.lowerBound))
        while Int(date.timeIntervalSince1970) * 1_000_000 < window.upperBound {
            days.append(text(date, calendar))
            date =
                calendar.date(byAdding: .day, value: 1, to: date).map { calendar.startOfDay(for: $0) } ?? .distantFuture
        }
        return days
    }

    /// The first instant of a day, in microseconds.
    static func start(of day: String, _ zone: TimeZone) -> Int {
        let parts = day.split(separator: "-").compactMap { Int($0) }
        let noon = DateComponents(year: parts[0], month: parts[1], day: parts[2], hour: 12)
        let calendar = calendar(zone)
        let start = calendar.startOfDay(for: calendar.date(from: noon) ?? .distantPast)
        return Int(start.timeIntervalSince1970) * 1_000_000
    }

    private static func end(of day: String, _ zone: TimeZone) -> Int {
        let start = start(of: day, zone)
        let calendar = calendar(zone)
        let next = calendar.date(byAdding: .day, value: 1, to: date(start + 43_200_000_000)) ?? .distantFuture
        return Int(calendar.startOfDay(for: next).timeIntervalSince1970) * 1_000_000
    }
}
