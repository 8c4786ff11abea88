import Core
import HTTPTypes
import Store

extension APIRequest {
    /// What `If-Match` and `If-None-Match` demand of the resource that the request changes: for the verb that does.
    ///
    /// - Parameter json: the resource as GET shows it; its tag is compared.
    /// - Throws: 400 for a header that cannot be read. The verb throws 412 `precondition-failed` with the present tag,
    ///   and 428 `precondition-required` where the workspace demands a condition and there is none.
    func precondition<Resource>(_ json: @escaping @Sendable (Resource) -> JSON) throws -> Precondition<Resource> {
        let conditions = try EntityConditions(headers)
        guard !conditions.isEmpty else { return .unconditional }
        return .conditional { resource in
            let tag = resource.map { EntityTag(of: json($0)) }
            guard !conditions.permitChange(of: tag) else { return }
            var problem = Problem(
                .preconditionFailed,
                detail: tag == nil ? "There is nothing that could match." : "It is not as the condition demands.")
            problem.headers[.eTag] = tag?.text
            throw problem
        }
    }

    /// The answer with the tag of its body; 304 for a GET whose client has that already (RFC 9110, 13.1.2).
    ///
    /// Every operation's answer passes here, so that a new one has its tag without a line of its own. A POST's answer
    /// gets its tag with `once`, where it shows a resource; what is streamed has none.
    func tagged(_ response: APIResponse) throws(Problem) -> APIResponse {
        guard method != .post, response.status == .ok || response.status == .created else { return response }
        let tag: EntityTag
        var response = response
        switch response.body {
        case .json(let json):
            // Written once, for the tag and for the answer.
            let bytes = json.serialized()
            response.body = .bytes(bytes, contentType: response.headers[.contentType] ?? "application/json")
            tag = EntityTag.covered(json).map { EntityTag(of: $0) } ?? EntityTag(of: bytes)
        case .bytes(let bytes, _): tag = EntityTag(of: bytes)
        case .none, .stream: return response
        }
        response.headers[.eTag] = tag.text
        guard method == .get, try EntityConditions(headers).isUnmodified(tag) else { return response }
        response.status = .notModified
        response.body = .none
        return response
    }
}

extension PreconditionRequired: ProblemConvertible {
    public var problem: Problem {
        Problem(
            .preconditionRequired,
            detail: "The workspace demands If-Match with the ETag of what was read (or If-None-Match: * to create).")
    }
}
