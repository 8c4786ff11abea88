import Core
import HTTPTypes

extension TraceContext {
    /// A span of ours in the trace that the caller says, or in a new one (W3C Trace Context: when `traceparent` is absent,
    /// not valid or there twice).
    static func accepting(_ headers: HTTPFields) -> TraceContext {
        let parents = headers[values: .traceparent]
        guard parents.count == 1, let context = TraceContext(parent: parents[0], state: headers[values: .tracestate])
        else { return TraceContext() }
        return context.child()
    }
}
