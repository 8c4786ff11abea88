import Core
import Crypto
import Foundation
import HTTPTypes
import OrderedCollections
import Store

extension APIRequest {
    /// Runs the transaction once per `Idempotency-Key` (S28): a repetition gets the first answer with
    /// `Idempotent-Replayed: true` and changes nothing. Without the header it is an ordinary write.
    ///
    /// Every POST answers through here.
    /// - Throws: 400 for a malformed key, 422 `idempotency-key-reused`, 409 `idempotency-key-in-use`, and what `body`
    ///   throws, which leaves no key behind.
    public func once(
        _ store: Store, _ body: @escaping @Sendable (StoreTransaction) throws -> StoredAnswer
    ) async throws -> APIResponse {
        let (answer, isReplayed) = try await store.once(try idempotencyClaim, in: idempotencyScope, body)
        return response(answer, isReplayed: isReplayed)
    }

    /// The same for effects that commit by themselves, each once by a key of its own: only the answer is kept.
    ///
    /// A crash before it is kept leaves the effects, and the repetition an answer that says they were there already.
    public func onceByItself(_ store: Store, _ body: () async throws -> StoredAnswer) async throws -> APIResponse {
        guard let claim = try idempotencyClaim else { return response(try await body(), isReplayed: false) }
        let scope = try idempotencyScope
        if let answer = try await store.answer(of: claim, in: scope) { return response(answer, isReplayed: true) }
        let made = try await body()
        let (answer, isReplayed) = try await store.once(claim, in: scope) { _ in made }
        return response(answer, isReplayed: isReplayed)
    }

    private func response(_ answer: StoredAnswer, isReplayed: Bool) -> APIResponse {
        var response = APIResponse(status: HTTPResponse.Status(code: answer.status))
        var body = answer.body
        // The tag of what GET shows, which never holds the secret.
        response.headers[.eTag] = EntityTag(of: body).text
        if let secret = answer.secret { body = body.adding(secret.member, .string(secret.value)) }
        response.body = .json(body)
        if let location = answer.location { response.headers[.location] = location }
        if isReplayed { response.headers[.idempotentReplayed] = "true" }
        return response
    }

    /// Whose keys they are: the workspace's; an operator has none and stands for itself.
    private var idempotencyScope: UUID {
        get throws(Problem) {
            let principal = try caller().principal
            return principal.workspace ?? principal.id
        }
    }

    /// What the header claims; nil without one.
    private var idempotencyClaim: IdempotencyClaim? {
        get throws(Problem) {
            guard let header = headers[.idempotencyKey] else { return nil }
            guard headers[values: .idempotencyKey].count == 1, let key = IdempotencyKey.parse(header) else {
                throw Problem(
                    .badRequest, detail: "Idempotency-Key is wrong.",
                    errors: [
                        ProblemItem(
                            .header("Idempotency-Key"), code: "invalid-format",
                            detail: "must be 1 to 255 visible ASCII characters, bare or quoted, once")
                    ])
            }
            let path = pathParameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            let query = rawQuery.items.map { "\($0.name)=\($0.value)" }
            var hash = SHA256()
            // Lengths before values, so that no two requests give the same bytes.
            for part in [headers[.xAgentID] ?? ""] + path + ["?"] + query {
                hash.update(data: Data("\(part.utf8.count):\(part)".utf8))
            }
            hash.update(data: Data(body))
            return IdempotencyClaim(
                caller: try caller().principal.id.lowercased, key: key, operation: operationID,
                fingerprint: Array(hash.finalize()), seal: AnswerSeal(token: headers[.authorization] ?? "", key: key))
        }
    }
}

/// The value of `Idempotency-Key`.
enum IdempotencyKey {
    /// The key itself: bare, as most clients send it, or as the quoted string of the header's draft standard
    /// (draft-ietf-httpapi-idempotency-key-header-07); both name the same key. Nil for anything else.
    static func parse(_ header: String) -> String? {
        var text = Substring(header)
        if text.first == "\"" {
            guard text.count >= 2, text.last == "\"" else { return nil }
            text = text.dropFirst().dropLast()
        }
        // Nothing that would have to be escaped inside quotation marks, so that neither form needs unescaping.
        guard (1...255).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") })
        else { return nil }
        return String(text)
    }
}

extension JSON {
    /// The object with one more member, at its end.
    fileprivate func adding(_ name: String, _ value: JSON) -> JSON {
        guard case .object(var members) = self else { return self }
        members[name] = value
        return .object(members)
    }
}
