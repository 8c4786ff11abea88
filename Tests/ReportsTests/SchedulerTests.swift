import Core
import Foundation
import Logging
import Postgres
import Store
import Synchronization
import TestKit
import Testing

@testable import Reports

@Suite struct DailyScheduleTests {
    private func instant(_ text: String) -> Date { Timestamp.parse(text) ?? .distantPast }

    @Test func daysHaveTheirTrueLengths() throws {
        let zone = try #require(LocalZone(identifier: "Europe/Madrid"))
        let windows = DailySchedule(timeOfDay: 900).windows(
            plannedUntil: nil, createdAt: instant("2026-10-24T10:00:00Z"), zone: zone,
            now: instant("2026-10-27T10:00:00Z"))
        #expect(
            windows.map { $0.instants.upperBound.timeIntervalSince($0.instants.lowerBound) / 3600 } == [24, 25, 24, 24])
        #expect(windows.first?.instants.lowerBound == instant("2026-10-23T22:00:00Z"))
        #expect(windows.map(\.dueAt).last == instant("2026-10-27T23:15:00Z"))
        // Where midnight does not exist the day begins at one, and so does its schedule.
        let santiago = try #require(LocalZone(identifier: "America/Santiago"))
        let spring = DailySchedule(timeOfDay: 900).windows(
            plannedUntil: instant("2026-09-05T04:00:00Z"), createdAt: instant("2020-01-01T00:00:00Z"), zone: santiago,
            now: instant("2026-09-06T12:00:00Z"))
        #expect(
            spring.map(\.instants.upperBound) == [instant("2026-09-06T04:00:00Z"), instant("2026-09-07T03:00:00Z")])
    }

    @Test func aLongDowntimeIsMadeUpForAMonth() throws {
        let zone = try #require(LocalZone(identifier: "UTC"))
        let windows = DailySchedule(timeOfDay: 900).windows(
            plannedUntil: instant("2026-01-01T00:00:00Z"), createdAt: instant("2020-01-01T00:00:00Z"), zone: zone,
            now: instant("2026-11-22T12:00:00Z"))
        #expect(windows.count == 32 && windows.first?.instants.lowerBound == instant("2026-10-22T00:00:00Z"))
    }
}

@Suite struct SchedulerTests {
    /// A clock that stands where it is put.
    private final class Clock: Sendable {
        private let now: Mutex<Date>
        init(_ text: String) { now = Mutex(Timestamp.parse(text) ?? .distantPast) }
        func set(_ text: String) { now.withLock { $0 = Timestamp.parse(text) ?? .distantPast } }
        func advance(_ seconds: TimeInterval) { now.withLock { $0 += seconds } }
        var date: Date { now.withLock { $0 } }
    }

    private func scheduler(_ store: Store, _ jobs: JobLibrary, _ clock: Clock) -> Scheduler {
        Scheduler(
            store: store, jobs: jobs, runner: ReportRunner(store: store), configuration: Scheduler.Configuration(),
            logger: TestDatabase.silentLogger, clock: { clock.date })
    }

    private func runs(_ store: Store, _ workspace: UUID) async throws -> [JobRun] {
        try await store.jobRuns(in: workspace, limit: 1000).sorted {
            ($0.job, $0.window.lowerBound) < ($1.job, $1.window.lowerBound)
        }
    }

    @Test func manySchedulersRunEachWindowOnce() async throws {
        try await withStore { store in
            let jobs = try shippedJobs()
            let clock = Clock("2026-11-22T12:00:00Z")
            var workspaces: [UUID] = []
            for zone in ["Europe/Madrid", "Asia/Tokyo", "America/Lima", "UTC", "Pacific/Auckland", "Asia/Kolkata"] {
                workspaces.append(try await store.insertWorkspace(zone, createdAt: "2026-11-19T12:00:00Z"))
            }
            let passes = try await withThrowingTaskGroup(of: Scheduler.Pass.self) { group in
                for _ in 0..<4 {
                    let scheduler = scheduler(store, jobs, clock)
                    group.addTask { try await scheduler.runOnce() }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            var completed = 0
            for workspace in workspaces {
                let runs = try await runs(store, workspace)
                #expect(Set(runs.map(\.job)) == ["assignments", "conversations"])
                for run in runs {
                    let isOver = run.dueAt <= clock.date || run.status == .completed
                    #expect(run.status == (isOver ? .completed : .pending) && run.attempts == (isOver ? 1 : 0))
                    completed += isOver ? 1 : 0
                    guard isOver else { continue }
                    let result = try JSON.parse(try await store.jobResult(run.id, in: workspace))
                    for grouping in ["day", "source", "channel", "team", "agent"] {
                        #expect(result["rows_by"]?[grouping]?.array != nil)
                    }
                    #expect(result["window"]?["to"]?.string == Timestamp.format(run.window.upperBound))
                }
                for (one, next) in zip(runs, runs.dropFirst()) where one.job == next.job {
                    #expect(one.window.upperBound == next.window.lowerBound)
                }
            }
            // Three or four days are over since the creation's, by zone, and each has both reports.
            #expect(completed == passes.reduce(0) { $0 + $1.completed } && (36...48).contains(completed))
            #expect(passes.allSatisfy { $0.lost == 0 && $0.retried == 0 })
            #expect(try await scheduler(store, jobs, clock).runOnce() == Scheduler.Pass())
        }
    }

    @Test func aRunOutlivesItsOwner() async throws {
        try await withStore { store in
            let clock = Clock("2026-11-22T12:00:00Z")
            let workspace = try await store.insertWorkspace("UTC", createdAt: "2026-11-22T00:00:00Z")
            let scheduler = scheduler(store, try shippedJobs(), clock)
            #expect(try await scheduler.runOnce() == Scheduler.Pass(planned: 2))
            clock.set("2026-11-23T00:14:59Z")
            #expect(try await scheduler.runOnce().completed == 0)
            clock.set("2026-11-23T00:15:00Z")
            // Somebody claims a run and is killed.
            let (dead, date) = (UUID(), clock.date)
            let claim = try await store.write {
                try $0.claimJobRun(of: ["conversations"], in: workspace, owner: dead, lease: 900, at: date)
            }
            let claimed = try #require(claim)
            #expect(try await scheduler.runOnce().completed == 1)
            clock.advance(901)
            #expect(try await scheduler.runOnce().completed == 1)
            let result = try await store.jobResult(claimed.id, in: workspace)
            // And comes back from the dead.
            let isOurs = try await store.write {
                try $0.finishJobRun(claimed, in: workspace, owner: dead, result: "stale", at: date)
            }
            let hasFailed = try await store.write {
                try $0.failJobRun(claimed, in: workspace, owner: dead, reason: "stale", retryAfter: 1, at: date)
            }
            #expect(!isOurs && !hasFailed)
            let after = try await store.jobRun(claimed.id, in: workspace)
            #expect(after.status == .completed && after.attempts == 2 && after.epoch == 2 && after.error == nil)
            #expect(try await store.jobResult(claimed.id, in: workspace) == result)
            #expect(try await store.rows("SELECT FROM job_results").count == 2)
            await #expect(throws: StoreError.self) { try await store.jobResult(claimed.id, in: UUID()) }
        }
    }

    /// A job that takes longer than the lease keeps it, whoever else looks for what is due.
    @Test(.timeLimit(.minutes(5))) func aLongJobKeepsItsLease() async throws {
        try await withStore { store in
            let slow = """
                -- name: slow
                -- title: X
                -- schedule: 00:00
                -- group_by: day
                -- measure: things count
                --
                SELECT true AS is_total, NULL AS group_id, 1 AS things, :workspace_id::uuid, :from::text, :to::text
                FROM pg_sleep(3)
                """
            let jobs = JobLibrary(texts: [("slow.sql", slow)])
            #expect(jobs.problems.isEmpty, "\(jobs.problems)")
            let workspace = try await store.insertWorkspace("UTC", createdAt: "2026-11-20T12:00:00Z")
            try await store.script("UPDATE workspaces SET created_at = now() - interval '1 day'")
            var configuration = Scheduler.Configuration()
            configuration.lease = 1
            configuration.renewal = .milliseconds(200)
            func scheduler() -> Scheduler {
                Scheduler(
                    store: store, jobs: jobs, runner: ReportRunner(store: store), configuration: configuration,
                    logger: TestDatabase.silentLogger)
            }
            let first = scheduler()
            let running = Task { try await first.runOnce() }
            let isTaken = try await eventually {
                try await !store.jobRuns(in: workspace, status: .running, limit: 10).isEmpty
            }
            #expect(isTaken)
            let others = scheduler()
            while try await store.jobRuns(in: workspace, status: .completed, limit: 10).isEmpty {
                #expect(try await others.runOnce().completed == 0)
                try await Task.sleep(for: .milliseconds(50))
            }
            let pass = try await running.value
            #expect(pass.completed == 1 && pass.lost == 0, "\(pass)")
            let runs = try await store.jobRuns(in: workspace, status: .completed, limit: 10)
            #expect(runs.map(\.attempts) == [1])
        }
    }

    @Test func downtimeIsMadeUpForAndAChangedZoneWaitsForMidnight() async throws {
        try await withStore { store in
            let clock = Clock("2026-11-20T12:00:00Z")
            let workspace = try await store.insertWorkspace("Europe/Madrid", createdAt: "2026-11-20T08:00:00Z")
            let scheduler = scheduler(store, try shippedJobs(), clock)
            try await scheduler.runOnce()
            try await store.script("UPDATE workspaces SET time_zone = 'America/Los_Angeles'")
            clock.set("2026-11-24T12:00:00Z")
            #expect(try await scheduler.runOnce().planned == 10)
            let windows = try await runs(store, workspace).filter { $0.job == "assignments" }
            // The day that had begun in Madrid ends there; then a day of nine hours, then Californian ones.
            #expect(
                windows.map { Timestamp.format($0.window.lowerBound).prefix(13) } == [
                    "2026-11-19T23", "2026-11-20T23", "2026-11-21T08", "2026-11-22T08", "2026-11-23T08",
                    "2026-11-24T08",
                ])
            #expect(windows.map(\.timeZone) == ["Europe/Madrid"] + Array(repeating: "America/Los_Angeles", count: 5))
            #expect(windows.map(\.status) == Array(repeating: .completed, count: 5) + [.pending])
            #expect(try await scheduler.runOnce() == Scheduler.Pass())
            // Pages go by id, the newest first.
            let first = try await store.jobRuns(in: workspace, job: "assignments", limit: 4)
            let rest = try await store.jobRuns(in: workspace, job: "assignments", before: first.last?.id, limit: 4)
            #expect((first + rest).map(\.id) == windows.map(\.id).sorted { $0.uuidString > $1.uuidString })
        }
    }

    @Test func aFailingJobIsGivenUpAndTheOthersGoOn() async throws {
        try await withStore { store in
            let header = "-- title: X\n-- schedule: 00:15\n-- group_by: day\n-- measure: things count\n--\n"
            let select =
                "SELECT true AS is_total, NULL AS group_id, 1 / %d AS things, :workspace_id::uuid, :from::text, :to::text"
            let library = JobLibrary(texts: [
                ("bad.sql", "-- name: bad\n" + header + select.replacing("%d", with: "0")),
                ("broken.sql", "-- name: broken\n" + header + "DELETE FROM events"),
                ("good.sql", "-- name: good\n" + header + select.replacing("%d", with: "1")),
            ])
            #expect(library.problems.contains { $0.file == "broken.sql" && $0.line == 7 })
            let clock = Clock("2026-11-22T12:00:00Z")
            let workspace = try await store.insertWorkspace("UTC", createdAt: "2026-11-21T12:00:00Z")
            let scheduler = scheduler(store, library, clock)
            #expect(try await scheduler.runOnce() == Scheduler.Pass(planned: 4, completed: 1, retried: 1))
            #expect(try await scheduler.runOnce() == Scheduler.Pass())
            for attempt in 2...5 {
                clock.advance(3600)
                let pass = try await scheduler.runOnce()
                #expect(pass == (attempt < 5 ? Scheduler.Pass(retried: 1) : Scheduler.Pass(failed: 1)))
            }
            clock.advance(3600)
            #expect(try await scheduler.runOnce() == Scheduler.Pass())
            let bad = try await store.jobRuns(in: workspace, status: .failed, limit: 10)
            #expect(bad.map(\.job) == ["bad"] && bad.first?.attempts == 5)
            #expect(bad.first?.error?.contains("22012") == true)
            await #expect(throws: StoreError.self) { try await store.jobResult(bad.first?.id ?? UUID(), in: workspace) }
        }
    }
}
