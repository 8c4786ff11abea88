-- What the harness reads: one line of JSON, times in microseconds.
function done(summary, latency, requests)
    local e = summary.errors
    print(string.format(
        'JSON {"answers": %d, "failures": %d, "microseconds": %d, "p50": %d, "p99": %d}',
        summary.requests, e.status + e.read + e.write + e.timeout + e.connect, summary.duration,
        latency:percentile(50), latency:percentile(99)))
end
