import Metrics

/// What the scheduler counts; every outcome is shown from the start, as 0.
struct SchedulerMetrics: Sendable {
    /// A job run, from its claim to its being settled.
    let run = Timer(label: "switchboard_job_run_duration_seconds")
    let completed = Self.runs("completed")
    /// Failed, to be tried again.
    let retried = Self.runs("retried")
    let failed = Self.runs("failed")
    /// Taken over by another scheduler meanwhile.
    let lost = Self.runs("lost")

    private static func runs(_ outcome: String) -> Counter {
        Counter(label: "switchboard_job_runs_total", dimensions: [("outcome", outcome)])
    }
}
