import Core
import Foundation

/// Sends a plan's messages and waits until every conversation that they opened is assigned or in line.
actor Replay {
    struct Limits: Sendable {
        /// Calls under way at once.
        var concurrency = 16
        /// For the conversations to be assigned or in line, from the last answer on.
        var settling = Duration.seconds(120)
        var polling = Duration.milliseconds(250)
    }

    private let service: ReplayService
    private let channel: String
    private let plan: ReplayPlan
    private let rate: ReplayRate
    private let limits: Limits

    private var tally = ReplayTally()
    private var progress: ProgressBar
    private var next = 0
    /// Messages in a row that failed although they were repeated.
    private var unanswered = 0
    private var unsettled: Set<String> = []
    private var conversations: [String: JSON] = [:]

    init(service: ReplayService, channel: String, plan: ReplayPlan, rate: ReplayRate, limits: Limits) {
        self.service = service
        self.channel = channel
        self.plan = plan
        self.rate = rate
        self.limits = limits
        progress = ProgressBar(total: plan.messages.count)
    }

    /// - Throws: `ReplayService.Failure` when the service cannot be asked at all; `CancellationError`.
    func run() async throws -> ReplayResult {
        // Also tells a wrong key, URL or channel before thousands of messages fail by it.
        _ = try await service.call("GET", "/v1/channels/\(channel)")
        let wallStart = Date()
        let start = ContinuousClock.now
        try await send(from: start)
        let sending = ContinuousClock.now - start
        progress.clear()

        progress = ProgressBar(total: tally.opened.count)
        let settlingStart = ContinuousClock.now
        var runs: [String: Int] = [:]
        var (teams, agents): ([String: String], [String: String]) = ([:], [:])
        var trouble: String?
        do {
            try await settle(since: wallStart)
            runs = try await self.runs(since: wallStart)
            teams = try await names("/v1/teams")
            agents = try await names("/v1/agents")
        } catch let failure as ReplayService.Failure {
            // What was sent and accepted is known all the same.
            trouble = failure.kind
        }
        progress.clear()
        return ReplayResult(
            plan: plan, tally: tally, conversations: conversations, unsettled: unsettled.count, sending: sending,
            settling: ContinuousClock.now - settlingStart, trouble: trouble, runs: runs, teams: teams, agents: agents)
    }

    // MARK: Sending

    private func send(from start: ContinuousClock.Instant) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<min(limits.concurrency, plan.messages.count) {
                group.addTask { try await self.sendInTurn(from: start) }
            }
            try await group.waitForAll()
        }
    }

    private func takeNext() -> (index: Int, message: ReplayPlan.Message)? {
        // Nobody answers any more, whatever was tried: the rest would take hours to fail likewise.
        guard next < plan.messages.count, unanswered < 2 * limits.concurrency else { return nil }
        defer { next += 1 }
        return (next, plan.messages[next])
    }

    private nonisolated func sendInTurn(from start: ContinuousClock.Instant) async throws {
        while let (index, message) = await takeNext() {
            let due = start + rate.delay(of: index)
            if due > .now { try await Task.sleep(until: due, clock: .continuous) }
            let sentAt = Date()
            let result: Result<JSON, ReplayService.Failure>
            do {
                result = .success(
                    try await service.call(
                        "POST", "/v1/channels/\(channel)/inbound", plan.body(message, sentAt: sentAt),
                        repeated: { Task { await self.noteRepeat() } }))
            } catch let failure as ReplayService.Failure {
                result = .failure(failure)
            }
            await note(result, row: message.row, sentAt: sentAt)
        }
    }

    private func noteRepeat() { tally.noteRepeat() }

    private func note(_ result: Result<JSON, ReplayService.Failure>, row: Int, sentAt: Date) {
        tally.note(result, row: row, sentAt: sentAt, answeredAt: Date())
        if case .failure(let failure) = result, failure.isWorthRepeating { unanswered += 1 } else { unanswered = 0 }
        progress.show(tally.sent, "\(tally.sent) of \(plan.messages.count) sent, \(tally.failed) errors")
    }

    // MARK: Settling

    /// Polls the list of what was updated: each poll reads on where the one before ended, so it costs what changed and
    /// not what was sent.
    private func settle(since wallStart: Date) async throws {
        unsettled = Set(tally.opened.keys)
        // The two clocks may differ; a few minutes of other conversations are read once and left aside.
        let beginning = wallStart.addingTimeInterval(-300)
        var watermark = beginning
        var idle = 0
        let deadline = ContinuousClock.now + limits.settling
        while true {
            let before = unsettled.count
            let latest = max(watermark, try await look(since: watermark) ?? watermark)
            idle = unsettled.count < before ? 0 : idle + 1
            // A commit may show up after one with a later time: look back a little, and sometimes all the way.
            watermark = idle % 8 == 7 ? beginning : latest.addingTimeInterval(-2)
            let settled = tally.opened.count - unsettled.count
            progress.show(settled, "\(settled) of \(tally.opened.count) conversations assigned or in line")
            if unsettled.isEmpty || ContinuousClock.now >= deadline { return }
            try await Task.sleep(for: limits.polling)
        }
    }

    /// - Returns: the time of the latest update among those listed.
    private func look(since watermark: Date) async throws -> Date? {
        let query = [
            ("updated_since", Timestamp.format(watermark)), ("channel_id", channel), ("order", "asc"),
        ]
        let updated = try await service.list("/v1/conversations", query)
        for conversation in updated {
            guard let id = conversation["id"]?.string, tally.opened[id] != nil else { continue }
            conversations[id] = conversation
            let isSettled =
                conversation["assignee_id"]?.string != nil || conversation["waiting"]?.bool == true
                || conversation["status"]?.string == "closed"
            if isSettled { unsettled.remove(id) }
        }
        return updated.last?["updated_at"]?.string.flatMap { Timestamp.parse($0) }
    }

    // MARK: Afterwards

    /// Runs of our conversations by how they ended; newest first, back to the start.
    private func runs(since wallStart: Date) async throws -> [String: Int] {
        let beginning = wallStart.addingTimeInterval(-300)
        let recent = try await service.list("/v1/runs") { run in
            (run["started_at"]?.string.flatMap { Timestamp.parse($0) } ?? .distantFuture) >= beginning
        }
        var counts: [String: Int] = [:]
        for run in recent {
            guard let id = run["conversation_id"]?.string, tally.opened[id] != nil else { continue }
            let reason = run["reason"]?.string.map { " (\($0))" } ?? ""
            counts[(run["status"]?.string ?? "unknown") + reason, default: 0] += 1
        }
        return counts
    }

    private func names(_ path: String) async throws -> [String: String] {
        let items = try await service.list(path)
        return Dictionary(
            items.compactMap { item in item["id"]?.string.map { ($0, item["name"]?.string ?? $0) } },
            uniquingKeysWith: { first, _ in first })
    }
}
