import Prometheus

/// Every metric that a process shows, as docs/observability.md lists them; a test holds the two against each other.
enum MetricCatalogue {
    static let all: [MetricDefinition] = http + ingest + work + effects + jobs + backlog + database + process

    private static let http: [MetricDefinition] = [
        .histogram(
            "switchboard_http_request_duration_seconds",
            "From a request's head being read to its answer being sent, by method, route and status."),
        .gauge("switchboard_http_requests_in_flight", "Requests that have been read and not yet answered."),
        .counter("switchboard_http_request_body_bytes_total", "Bytes of request bodies that handlers were given."),
        .counter("switchboard_http_response_body_bytes_total", "Bytes of bodies answered."),
        .counter(
            "switchboard_http_refused_total", "Requests that the connection refused before any handler, by status."),
        .gauge("switchboard_http_connections", "Connections open."),
    ]

    private static let ingest: [MetricDefinition] = [
        .counter("switchboard_ingest_messages_total", "Inbound messages answered, by status."),
        .histogram(
            "switchboard_ingest_batch_messages", "Inbound messages in one transaction.",
            buckets: MetricDefinition.sizes),
        .histogram(
            "switchboard_ingest_write_duration_seconds",
            "From a batch of inbound messages being sent to its being durable, repetitions included."),
        .gauge("switchboard_ingest_waiting_messages", "Inbound messages that wait in this process."),
    ]

    private static let work: [MetricDefinition] = [
        .histogram(
            "switchboard_claim_duration_seconds", "Until rows of some work were ours, by work: runs, effects."),
        .histogram(
            "switchboard_commit_duration_seconds",
            "From the last thing done in a transaction to its commit being known, by work: runs, lines, effects."),
        .counter(
            "switchboard_work_put_off_total", "Times that work could not be done and was left for later, by work."),
        .histogram("switchboard_run_batch_runs", "Runs advanced in one transaction.", buckets: MetricDefinition.sizes),
        .counter("switchboard_runs_started_total", "Runs that began."),
        .counter("switchboard_runs_ended_total", "Runs that ended, by status."),
        .counter("switchboard_line_served_total", "Conversations that stood in a line and were given to an agent."),
    ]

    private static let effects: [MetricDefinition] = [
        .histogram(
            "switchboard_effect_attempt_duration_seconds",
            "One attempt to deliver, from connecting to the last byte of the answer.",
            buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20]),
        .counter("switchboard_effect_attempts_total", "Attempts to deliver, by outcome: delivered, retried, dead."),
        .gauge("switchboard_effects_in_flight", "Deliveries under way."),
    ]

    private static let jobs: [MetricDefinition] = [
        .histogram(
            "switchboard_job_run_duration_seconds", "A job run, from its claim to its result being stored.",
            buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900]),
        .counter("switchboard_job_runs_total", "Job runs settled, by outcome: completed, retried, failed, lost."),
    ]

    /// Of the whole system, shown by one process only: the first that lives.
    private static let backlog: [MetricDefinition] = [
        .gauge("switchboard_processes", "Living processes, by the part they run."),
        .gauge("switchboard_line_waiting_conversations", "Conversations that wait in line; up to 10,000 a workspace."),
        .gauge("switchboard_line_oldest_age_seconds", "For how long who has waited longest has waited."),
        .gauge("switchboard_runs_active", "Runs that go on; up to 10,000 a workspace."),
        .gauge("switchboard_run_signals_due", "Signals that a worker should have taken; up to 10,000 a workspace."),
        .gauge("switchboard_run_signals_oldest_age_seconds", "For how long the first of them has been due."),
        .gauge("switchboard_outbox_pending", "Effects to be carried out; up to 10,000 a workspace."),
        .gauge("switchboard_outbox_oldest_age_seconds", "The age of the oldest of them."),
        .gauge("switchboard_outbox_overdue_seconds", "For how long the one that is due first has been due."),
        .gauge("switchboard_job_runs_due", "Job runs that a scheduler should have taken."),
        .gauge("switchboard_job_runs_oldest_age_seconds", "For how long the first of them has been due."),
    ]

    private static let database: [MetricDefinition] = [
        .gauge(
            "switchboard_database_connections",
            "Connections to PostgreSQL, by role, lane and state: wanted, connected, idle."),
        .gauge("switchboard_database_waiting_callers", "Callers in line for a connection, by role and lane."),
        .gauge(
            "switchboard_database_in_flight_callers",
            "Callers whose work is at the server, by role and lane: of the read lane, the depth of the pipelines."),
        .counter("switchboard_database_calls_total", "Callers whose work was done, by role and lane."),
        .counter("switchboard_database_refused_calls_total", "Callers turned away, by role and lane."),
        .counter("switchboard_database_lost_connections_total", "Connections lost, by role and lane."),
    ]

    private static let process: [MetricDefinition] = [
        .gauge("switchboard_build_info", "1, by version and the parts that the process runs."),
        .gauge("process_resident_memory_bytes", "Memory that the process has in RAM."),
        .gauge("process_virtual_memory_bytes", "Addresses that the process has taken."),
        .counter("process_cpu_seconds_total", "Processor time, user and system."),
        .gauge("process_open_fds", "Open file descriptors."),
        .gauge("process_max_fds", "File descriptors that may be open."),
        .gauge("process_start_time_seconds", "When the process began, in seconds since 1970."),
    ]
}
