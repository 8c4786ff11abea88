import Core
import HTTPTypes

/// What the API is, in three forms: for tools (YAML as it was written, JSON) and for people.
struct ContractRoutes: Sendable {
    private let document: [UInt8]
    private let forms: ContractForms

    /// - Parameter document: the bytes of `openapi.yaml`.
    init(document: [UInt8]) {
        self.document = document
        forms = ContractForms(yaml: document)
    }

    var routes: [Route] {
        [
            Route(.get, "/openapi.yaml", "getOpenAPI", access: .open) { _ in
                APIResponse(body: .bytes(document, contentType: "application/yaml"))
            },
            Route(.get, "/openapi.json", "getOpenAPIAsJSON", access: .open) { _ in
                APIResponse(body: .bytes(try await forms.made().json, contentType: "application/json"))
            },
            Route(.get, "/docs", "getDocumentation", access: .open) { _ in
                APIResponse(body: .bytes(try await forms.made().page, contentType: "text/html; charset=utf-8"))
                    .with(.contentSecurityPolicy, ContractStyle.policy)
            },
        ]
    }
}

/// The forms that are made from the document, once, when somebody asks.
private actor ContractForms {
    struct Made {
        let json: [UInt8]
        let page: [UInt8]
    }

    private let yaml: [UInt8]
    private var kept: Made?

    init(yaml: [UInt8]) { self.yaml = yaml }

    func made() throws -> Made {
        if let kept { return kept }
        let document = try ContractJSON.parse(yaml)
        let made = Made(json: document.serialized(), page: Array(ContractPage(document).html.utf8))
        kept = made
        return made
    }
}
