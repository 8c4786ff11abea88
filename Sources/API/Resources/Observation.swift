/// What monitoring asks of any process, on an address of its own: alive, ready, and all figures. Not part of the API.
public struct ObservationRoutes: Sendable {
    /// Returns when the database answers and holds every migration; throws otherwise.
    let readiness: @Sendable () async throws -> Void
    /// Every figure in Prometheus' text format.
    let scrape: @Sendable () async -> String

    public init(
        readiness: @escaping @Sendable () async throws -> Void, scrape: @escaping @Sendable () async -> String
    ) {
        self.readiness = readiness
        self.scrape = scrape
    }

    public var routes: [Route] {
        ServiceRoutes(readiness: readiness).health + [
            Route(.get, "/metrics", "getMetrics", access: .open, isAnsweredUnderOverload: true) { _ in
                APIResponse(
                    body: .bytes(
                        [UInt8](await scrape().utf8), contentType: "text/plain; version=0.0.4; charset=utf-8"))
            }
        ]
    }
}
