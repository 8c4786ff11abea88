import Core
import HTTPTypes

extension ProblemType {
    /// The explanations behind the `type` of problems: `/problems` and `/problems/{name}`.
    public static var routes: [Route] {
        [
            Route(.get, "/problems", "listProblemTypes", access: .open) { _ in
                .ok(["items": .array(all.map(\.json)), "next_cursor": .null])
            },
            Route(.get, "/problems/{name}", "getProblemType", access: .open) { request in
                let name = try request.text("name")
                guard let type = all.first(where: { $0.name == name }) else { throw Problem.notFound("problem type") }
                return .ok(type.json)
            },
        ]
    }

    private var json: JSON {
        [
            "type": .string(uri), "title": .string(title), "status": .integer(Int64(status)),
            "explanation": .string(explanation),
        ]
    }
}
