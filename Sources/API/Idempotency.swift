import Core
import Crypto
import Foundation
import HTTPTypes
import Store

extension HTTPField.Name {
    /// Says that the answer is that of an earlier request with the same key.
    static let idempotentReplayed: HTTPField.Name = {
        guard let name = HTTPField.Name("Idempotent-Replayed") else {
            preconditionFailure("a header name of the source is malformed")
        }
        return name
    }()
}

extension APIRequest {
    /// Runs the transaction once per `Idempotency-Key` (S28): a repetition gets the first answer with
    /// `Idempotent-Replayed: true` and changes nothing. Without the header it is an ordinary write.
    ///
    /// - Throws: 422 `idempotency-key-reused`, 409 `idempotency-key-in-use`, and what `body` throws.
    public func once(
        _ store: Store, _ body: @escaping @Sendable (StoreTransaction) throws -> StoredAnswer
    ) async throws -> APIResponse {
        let workspace = try workspace()
        let claim = try idempotencyClaim
        let (answer, isReplayed) = try await store.write { transaction in
            try transaction.once(claim, in: workspace) { try body(transaction) }
        }
        var response = APIResponse(status: HTTPResponse.Status(code: answer.status), body: .json(answer.body))
        if answer.body.isNull { response.body = .none }
        if let location = answer.location { response.headers[.location] = location }
        if isReplayed { response.headers[.idempotentReplayed] = "true" }
        return response
    }

    /// What the header claims; nil without one.
    private var idempotencyClaim: IdempotencyClaim? {
        get throws(Problem) {
            guard let key = headers[.idempotencyKey] else { return nil }
            guard (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
                headers[values: .idempotencyKey].count == 1
            else {
                throw Problem(
                    .badRequest, detail: "Idempotency-Key is wrong.",
                    errors: [
                        ProblemItem(
                            .header("Idempotency-Key"), code: "invalid-format",
                            detail: "must be 1 to 255 visible ASCII characters, once")
                    ])
            }
            let path = pathParameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            var hash = SHA256()
            // Lengths before values, so that no two requests give the same bytes.
            for part in [headers[.xAgentID] ?? ""] + path { hash.update(data: Data("\(part.utf8.count):\(part)".utf8)) }
            hash.update(data: Data(body))
            return IdempotencyClaim(
                caller: try caller().principal.id.lowercased, key: key, operation: operationID,
                fingerprint: Array(hash.finalize()))
        }
    }
}
