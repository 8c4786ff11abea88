import CoreMetrics
import Synchronization

/// Keeps what the program counts, and writes it in Prometheus' text format.
///
/// A `MetricsFactory`: whoever counts uses the API of swift-metrics, and its labels are the names here. The lock is taken
/// when an instrument is made and when all are written; counting itself is atomic additions.
public final class PrometheusRegistry: MetricsFactory {
    /// Told at each scrape; returns what is so now.
    public typealias Collector = @Sendable () async -> [MetricSample]

    private enum Instrument: Sendable {
        case counter(CounterInstrument)
        case gauge(GaugeInstrument)
        case histogram(HistogramInstrument)
    }

    private struct Family {
        let definition: MetricDefinition
        var instruments: [String: Instrument] = [:]
    }

    private struct State {
        var families: [String: Family]
        var collectors: [Collector] = []
    }

    private let state: Mutex<State>

    /// - Parameter definitions: every metric with its help; one that is made without being defined here has no help and,
    ///   as a histogram, the buckets of durations.
    public init(definitions: [MetricDefinition] = []) {
        state = Mutex(
            State(
                families: Dictionary(
                    definitions.map { ($0.name, Family(definition: $0)) }, uniquingKeysWith: { first, _ in first })))
    }

    /// Asks `collector` at every scrape.
    public func collect(_ collector: @escaping Collector) {
        state.withLock { $0.collectors.append(collector) }
    }

    /// Everything as text: `text/plain; version=0.0.4`. Metrics without a value are left out.
    public func scrape() async -> String {
        var samples: [MetricSample] = []
        for collector in state.withLock({ $0.collectors }) { samples += await collector() }
        let families = state.withLock { $0.families }
        let collected = Dictionary(grouping: samples, by: \.name)
        var text = ExpositionText()
        for name in Set(families.keys).union(collected.keys).sorted() {
            let family = families[name] ?? Family(definition: .gauge(name, ""))
            let instruments = family.instruments.sorted { $0.key < $1.key }
            let values = collected[name] ?? []
            guard !instruments.isEmpty || !values.isEmpty else { continue }
            text.begin(family.definition)
            for (labels, instrument) in instruments {
                switch instrument {
                case .counter(let counter): text.sample(name, labels, counter.value)
                case .gauge(let gauge): text.sample(name, labels, gauge.value)
                case .histogram(let histogram): text.histogram(name, labels, histogram)
                }
            }
            for sample in values { text.sample(name, ExpositionText.labels(sample.labels), sample.value) }
        }
        return text.text
    }

    // MARK: MetricsFactory

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        make(label, dimensions, .counter(label, "")) { _ in
            .counter(CounterInstrument())
        } casting: {
            if case .counter(let counter) = $0 { counter } else { nil }
        } otherwise: {
            CounterInstrument()
        }
    }

    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        aggregate ? histogram(label, dimensions) : gauge(label, dimensions)
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gauge(label, dimensions)
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(label, dimensions)
    }

    /// Instruments live as long as the process: one that goes and comes back would look like a restart.
    public func destroyCounter(_ handler: any CounterHandler) {}
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    public func destroyMeter(_ handler: any MeterHandler) {}
    public func destroyTimer(_ handler: any TimerHandler) {}

    private func gauge(_ label: String, _ dimensions: [(String, String)]) -> GaugeInstrument {
        make(label, dimensions, .gauge(label, "")) { _ in
            .gauge(GaugeInstrument())
        } casting: {
            if case .gauge(let gauge) = $0 { gauge } else { nil }
        } otherwise: {
            GaugeInstrument()
        }
    }

    private func histogram(_ label: String, _ dimensions: [(String, String)]) -> HistogramInstrument {
        make(label, dimensions, .histogram(label, "")) { definition in
            .histogram(HistogramInstrument(bounds: definition.buckets))
        } casting: {
            if case .histogram(let histogram) = $0 { histogram } else { nil }
        } otherwise: {
            HistogramInstrument(bounds: MetricDefinition.durations)
        }
    }

    /// The instrument of that name and labels, made when it is the first. One name is of one kind: what asks for another
    /// gets an instrument that nobody reads.
    private func make<Made>(
        _ name: String, _ dimensions: [(String, String)], _ fallback: MetricDefinition,
        _ create: (MetricDefinition) -> Instrument, casting cast: (Instrument) -> Made?, otherwise: () -> Made
    ) -> Made where Made: Sendable {
        let labels = ExpositionText.labels(dimensions)
        let instrument: Instrument? = state.withLock { state in
            var family = state.families[name] ?? Family(definition: fallback)
            guard family.definition.kind == fallback.kind else { return nil }
            let instrument = family.instruments[labels] ?? create(family.definition)
            family.instruments[labels] = instrument
            state.families[name] = family
            return instrument
        }
        return instrument.flatMap(cast) ?? otherwise()
    }
}
