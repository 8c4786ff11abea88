import API
import Core
import Foundation
import HTTPTypes
import Testing

struct RouteTableTests {
    private func route(_ path: String, _ operationID: String = UUID().uuidString) -> Route {
        Route(.get, path, operationID, access: .open) { _ in .noContent }
    }

    @Test(arguments: ["", "v1", "/v1/", "/v1//x", "/v1/{}", "/v1/a{b}", "/v1/ä", "/v1/*"])
    func malformedPathsAreRefused(path: String) {
        #expect(throws: RouteTableError.malformedPath(path)) { try RouteTable([route(path)]) }
    }

    @Test func clashesAreRefused() {
        #expect(throws: RouteTableError.duplicateOperationID("a")) {
            try RouteTable([route("/x", "a"), route("/y", "a")])
        }
        #expect(throws: RouteTableError.duplicateRoute("GET /x")) { try RouteTable([route("/x"), route("/x")]) }
        #expect(throws: RouteTableError.parameterNames("/x/{b}/c", "a", "b")) {
            try RouteTable([route("/x/{a}"), route("/x/{b}/c")])
        }
        #expect(throws: RouteTableError.derivedMethod("h")) {
            try RouteTable([Route(.head, "/x", "h", access: .open) { _ in .noContent }])
        }
    }

    @Test func problemTypesAreUniqueAndComplete() {
        #expect(Set(ProblemType.all.map(\.name)).count == ProblemType.all.count)
        for type in ProblemType.all {
            #expect((400...599).contains(type.status) && type.explanation.hasSuffix("."))
            #expect(type.name.utf8.allSatisfy { $0 == UInt8(ascii: "-") || (97...122).contains($0) })
        }
    }

    @Test func constantsWinOverParametersAndBothAreReachable() async throws {
        let routes = [
            Route(.get, "/v1/contacts/{contact_id}", "one", access: .open) {
                .ok(["id": .string(try $0.text("contact_id"))])
            },
            Route(.get, "/v1/contacts/find", "find", access: .open) { _ in .ok(["found": true]) },
            Route(.get, "/v1/contacts/{contact_id}/tags", "tags", access: .open) {
                .ok(["of": .string(try $0.text("contact_id"))])
            },
        ]
        let server = APIServer(
            configuration: APIServerConfiguration(port: 0), routes: try RouteTable(routes + ProblemType.routes),
            authenticator: Operations.authenticate, logger: LogCapture().logger)
        let running = Task { try await server.run() }
        let connection = try await RawConnection(port: try await server.boundPort())
        func get(_ path: String) async -> String? {
            connection.send("GET \(path) HTTP/1.1\r\nHost: t\r\n\r\n")
            return await connection.response()?.text
        }
        #expect(await get("/v1/contacts/find") == "{\"found\":true}")
        #expect(await get("/v1/contacts/a%20b") == "{\"id\":\"a b\"}")
        #expect(await get("/v1/contacts/find/tags") == "{\"of\":\"find\"}")
        #expect(await get("http://elsewhere/v1/contacts/find") == "{\"found\":true}")
        #expect(await get("/problems/name-taken")?.contains("\"status\":409") == true)
        await server.stop()
        try await running.value
    }
}
