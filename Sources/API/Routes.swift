import Reports
import Store

/// What the operations stand on.
public struct APIServices: Sendable {
    public let store: Store
    /// Where inbound messages are gathered and accepted.
    public let inbound: any InboundAccepting
    public let reports: ReportService
    /// Returns when the database answers and holds every migration; throws otherwise.
    public let readiness: @Sendable () async throws -> Void
    /// Who is at work and how far behind, a few seconds old at most.
    public let status: @Sendable () async throws -> SystemStatus
    /// The bytes of `openapi.yaml`.
    public let document: [UInt8]

    public init(
        store: Store, inbound: any InboundAccepting, reports: ReportService,
        readiness: @escaping @Sendable () async throws -> Void,
        status: @escaping @Sendable () async throws -> SystemStatus, document: [UInt8]
    ) {
        self.store = store
        self.inbound = inbound
        self.reports = reports
        self.readiness = readiness
        self.status = status
        self.document = document
    }

    /// Every operation of the API: a new resource is one line here.
    public var routes: [Route] {
        [
            WorkspaceRoutes(store: store).routes,
            KeyRoutes(store: store).routes,
            AuditLogRoutes(store: store).routes,
            AgentRoutes(store: store).routes,
            TeamRoutes(store: store).routes,
            ChannelRoutes(store: store).routes,
            InboundRoutes(store: store, inbound: inbound).routes,
            ContactFieldRoutes(store: store).routes,
            ContactRoutes(store: store).routes,
            ClosingCategoryRoutes(store: store).routes,
            ConversationRoutes(store: store).routes,
            ConversationActionRoutes(store: store).routes,
            AssignmentRoutes(store: store).routes,
            WorkflowRoutes(store: store).routes,
            RunRoutes(store: store).routes,
            ReportRoutes(store: store, reports: reports).routes,
            StatusRoutes(store: store, system: status).routes,
            ServiceRoutes(readiness: readiness).health,
            ContractRoutes(document: document).routes,
            ProblemType.routes,
        ].flatMap { $0 }
    }
}
