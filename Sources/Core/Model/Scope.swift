/// A part of the API that a key may be limited to. Writing does not include reading.
public enum Scope: String, Sendable, Hashable, CaseIterable {
    case auditRead = "audit:read"
    case contactsRead = "contacts:read"
    case contactsWrite = "contacts:write"
    case conversationsRead = "conversations:read"
    case conversationsWrite = "conversations:write"
    /// Agents, teams, channels, contact fields, closing categories.
    case directoryRead = "directory:read"
    case directoryWrite = "directory:write"
    /// Handing in what contacts wrote.
    case inboundWrite = "inbound:write"
    case keysRead = "keys:read"
    case keysWrite = "keys:write"
    case reportsRead = "reports:read"
    /// Workflows and their runs.
    case workflowsRead = "workflows:read"
    case workflowsWrite = "workflows:write"
}
