import HTTPTypes
import Metrics
import Synchronization

/// What the server counts of its requests. Labels come from the route table and from the statuses that HTTP has, never
/// from what a client sent, so there is a known number of them.
struct RequestMetrics: Sendable {
    /// Requests that have been read and not yet answered.
    let inFlight = Meter(label: "switchboard_http_requests_in_flight")
    private let received = Counter(label: "switchboard_http_request_body_bytes_total")
    private let sent = Counter(label: "switchboard_http_response_body_bytes_total")
    private let refused = StatusInstruments { status in
        Counter(label: "switchboard_http_refused_total", dimensions: [("status", status)])
    }
    private let routes: [String: [HTTPRequest.Method: StatusInstruments<Timer>]]
    /// Of paths that are no route's, and of methods that no path takes.
    private let others: StatusInstruments<Timer>

    init(_ table: RouteTable) {
        var routes: [String: [HTTPRequest.Method: StatusInstruments<Timer>]] = [:]
        for route in table.routes {
            var methods = [route.method, .options]
            if route.method == .get { methods.append(.head) }
            for method in methods where routes[route.path]?[method] == nil {
                routes[route.path, default: [:]][method] = Self.timers(route.path, method.rawValue)
            }
        }
        self.routes = routes
        others = Self.timers("other", "other")
        // Shown from the start, as 0: what has not happened yet has a rate, too.
        for status in [400, 408] { _ = refused[status] }
    }

    /// - Parameters:
    ///   - route: the path template; nil for an unknown path.
    ///   - status: nil when the connection ended before there was one.
    func record(
        _ method: HTTPRequest.Method, _ route: String?, status: Int?, received: Int, sent: Int, took: Duration
    ) {
        let timers = route.flatMap { routes[$0]?[method] } ?? others
        timers[status ?? 0].record(duration: took)
        self.received.increment(by: received)
        self.sent.increment(by: sent)
    }

    /// Counts what never became a request with a handler.
    func refuse(_ status: Int) { refused[status].increment() }

    private static func timers(_ route: String, _ method: String) -> StatusInstruments<Timer> {
        StatusInstruments { status in
            Timer(
                label: "switchboard_http_request_duration_seconds",
                dimensions: [("method", method), ("route", route), ("status", status)])
        }
    }
}

/// An instrument for each status of an answer, made when it is first answered and found without a lock afterwards.
final class StatusInstruments<Instrument: AnyObject & Sendable>: Sendable {
    private final class Place: Sendable {
        let instrument = AtomicLazyReference<Instrument>()
    }

    /// Every status that is answered; 0 stands for none.
    private static var statuses: [Int] { StatusList.all }

    private let places: [Place]
    private let make: @Sendable (_ status: String) -> Instrument

    init(_ make: @escaping @Sendable (_ status: String) -> Instrument) {
        self.make = make
        places = Self.statuses.map { _ in Place() }
    }

    subscript(status: Int) -> Instrument {
        guard let index = Self.statuses.firstIndex(of: status) else { return make("other") }
        let place = places[index]
        return place.instrument.load() ?? place.instrument.storeIfNil(make(status == 0 ? "none" : String(status)))
    }
}

private enum StatusList {
    static let all: [Int] =
        [0, 200, 201, 202, 204, 304, 414, 431, 505]
        + Set(ProblemType.all.map(\.status)).subtracting([414, 431, 505]).sorted()
}
