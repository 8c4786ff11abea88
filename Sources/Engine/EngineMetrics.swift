import Metrics

// What the engine counts. The names are those of docs/observability.md; who collects them is the composition root's to
// say. Every instrument is made with its service, so that what never happened is shown as 0.

/// Of inbound messages.
struct IngestMetrics: Sendable {
    /// Messages in one transaction.
    let batch = Recorder(label: "switchboard_ingest_batch_messages")
    /// From a batch being sent to its being durable, repetitions included.
    let write = Timer(label: "switchboard_ingest_write_duration_seconds")
    /// Messages that wait in this process.
    let waiting = Meter(label: "switchboard_ingest_waiting_messages")
    let accepted = Self.messages("accepted")
    let duplicate = Self.messages("duplicate")
    let rejected = Self.messages("rejected")

    private static func messages(_ status: String) -> Counter {
        Counter(label: "switchboard_ingest_messages_total", dimensions: [("status", status)])
    }
}

/// Of one kind of work that is claimed, done and committed.
struct WorkMetrics: Sendable {
    /// Until rows of the work were ours.
    let claim: Timer
    /// From the last thing done to the commit being known.
    let commit: Timer
    /// Times that it had to be put off.
    let failures: Counter

    init(_ work: String) {
        claim = Timer(label: "switchboard_claim_duration_seconds", dimensions: [("work", work)])
        commit = Timer(label: "switchboard_commit_duration_seconds", dimensions: [("work", work)])
        failures = Counter(label: "switchboard_work_put_off_total", dimensions: [("work", work)])
    }
}

/// Of runs and lines.
struct WorkerMetrics: Sendable {
    let runs = WorkMetrics("runs")
    let lines = WorkMetrics("lines")
    /// Runs advanced in one transaction.
    let batch = Recorder(label: "switchboard_run_batch_runs")
    let started = Counter(label: "switchboard_runs_started_total")
    /// Conversations given to agents from a line's stored entries.
    let served = Counter(label: "switchboard_line_served_total")
    private let ended: [String: Counter]

    init() {
        let statuses = ["completed", "failed", "conversation_closed", "stopped"]
        ended = Dictionary(
            uniqueKeysWithValues: statuses.map {
                ($0, Counter(label: "switchboard_runs_ended_total", dimensions: [("status", $0)]))
            })
    }

    func ended(_ status: String, _ count: Int) { ended[status]?.increment(by: count) }
}

/// Of effects on the world outside.
struct EffectMetrics: Sendable {
    let work = WorkMetrics("effects")
    let attempt = Timer(label: "switchboard_effect_attempt_duration_seconds")
    let inFlight = Meter(label: "switchboard_effects_in_flight")
    let delivered = Self.attempts("delivered")
    let retried = Self.attempts("retried")
    let dead = Self.attempts("dead")

    private static func attempts(_ outcome: String) -> Counter {
        Counter(label: "switchboard_effect_attempts_total", dimensions: [("outcome", outcome)])
    }
}

extension Timer {
    /// Records what has gone by since.
    func record(since start: ContinuousClock.Instant) { record(duration: ContinuousClock.now - start) }
}
