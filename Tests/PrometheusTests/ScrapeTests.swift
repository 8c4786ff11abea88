import Metrics
import Testing

@testable import Prometheus

@Suite struct ScrapeTests {
    @Test func everyKindIsWrittenWithHelpTypeAndEscapes() async {
        let registry = PrometheusRegistry(definitions: [
            .counter("asked_total", "Asked, with a \\ and\na line."),
            .histogram("took_seconds", "How long.", buckets: [0.1, 1]),
            .gauge("waiting", "Who waits."), .gauge("never_set", "Not shown."),
        ])
        Counter(label: "asked_total", dimensions: [("route", "/a\"b\\c\nd"), ("code", "200")], factory: registry)
            .increment(by: 3)
        Counter(label: "asked_total", dimensions: [("code", "200"), ("route", "/a\"b\\c\nd")], factory: registry)
            .increment()
        let timer = Metrics.Timer(label: "took_seconds", dimensions: [("work", "x")], factory: registry)
        timer.recordNanoseconds(100_000_000)
        timer.recordNanoseconds(500_000_000)
        timer.recordNanoseconds(2_000_000_000)
        Meter(label: "waiting", dimensions: [], factory: registry).set(2.5)
        registry.collect {
            [MetricSample("told", [("lane", "read")], 7), MetricSample("waiting", [("who", "b")], .infinity)]
        }
        #expect(
            await registry.scrape() == #"""
                # HELP asked_total Asked, with a \\ and\na line.
                # TYPE asked_total counter
                asked_total{code="200",route="/a\"b\\c\nd"} 4
                # TYPE told gauge
                told{lane="read"} 7
                # HELP took_seconds How long.
                # TYPE took_seconds histogram
                took_seconds_bucket{work="x",le="0.1"} 1
                took_seconds_bucket{work="x",le="1"} 2
                took_seconds_bucket{work="x",le="+Inf"} 3
                took_seconds_sum{work="x"} 2.6
                took_seconds_count{work="x"} 3
                # HELP waiting Who waits.
                # TYPE waiting gauge
                waiting 2.5
                waiting{who="b"} +Inf

                """#)
    }

    @Test func oneNameIsOfOneKind() async {
        let registry = PrometheusRegistry(definitions: [.counter("x_total", "X.")])
        Meter(label: "x_total", dimensions: [], factory: registry).set(9)
        #expect(await registry.scrape() == "")
    }

    @Test func nothingIsLostAmongManyThreads() async {
        let registry = PrometheusRegistry(definitions: [.histogram("size", "Sizes.", buckets: [1, 2])])
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let recorder = Recorder(label: "size", factory: registry)
                    for value in 0..<10_000 { recorder.record(value % 4) }
                }
            }
        }
        let text = await registry.scrape()
        #expect(text.contains("size_bucket{le=\"1\"} 40000\n"))
        #expect(text.contains("size_count 80000\n") && text.contains("size_sum 120000\n"))
    }
}
