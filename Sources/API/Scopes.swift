import Core
import HTTPTypes

extension Scope {
    /// The area of the first part of a path behind `/v1/`: a new resource is one entry here. A test demands that every
    /// operation of a workspace has its scope; one without is closed to keys that are limited to scopes.
    private static let areas = [
        "agents": "directory", "api-keys": "keys", "assignments": "conversations", "audit-log": "audit",
        "channels": "directory", "closing-categories": "directory", "contact-fields": "directory",
        "contacts": "contacts", "conversations": "conversations", "job-runs": "reports", "reports": "reports",
        "runs": "workflows", "status": "reports", "teams": "directory", "workflows": "workflows",
    ]

    /// The scope of an operation; nil where there is none: open operations, and those of operators.
    init?(method: HTTPRequest.Method, path: String) {
        let segments = path.split(separator: "/")
        guard segments.count > 1, segments[0] == "v1" else { return nil }
        if segments.last == "inbound" {
            self = .inboundWrite
            return
        }
        guard let area = Self.areas[String(segments[1])] else { return nil }
        self.init(rawValue: "\(area):\(method == .get ? "read" : "write")")
    }
}
