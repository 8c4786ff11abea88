import Core
import Foundation
import Postgres

/// A request that its client may repeat: the same caller and key mean the same request (S28).
public struct IdempotencyClaim: Sendable, Hashable {
    /// Who calls: keys of different callers do not meet.
    public var caller: String
    /// What the client sent as `Idempotency-Key`.
    public var key: String
    /// Method and path.
    public var operation: String
    /// SHA-256 of everything else that makes it this request.
    public var fingerprint: [UInt8]

    public init(caller: String, key: String, operation: String, fingerprint: [UInt8]) {
        self.caller = caller
        self.key = key
        self.operation = operation
        self.fingerprint = fingerprint
    }
}

/// What a request is answered with, as far as it is kept for its repetition.
public struct StoredAnswer: Sendable, Hashable {
    public var status: Int
    public var body: JSON
    /// The value of the `Location` header.
    public var location: String?
    /// The conversation or contact that the body shows: erasing it forgets the answer.
    public var about: UUID?

    public init(status: Int, body: JSON, location: String? = nil, about: UUID? = nil) {
        self.status = status
        self.body = body
        self.location = location
        self.about = about
    }
}

/// The key came with another request before.
public struct IdempotencyKeyReused: Error, Sendable {}

extension StoreTransaction {
    /// Does `body` once per claim: its effects, the key and the answer commit together; a repetition gets the answer of
    /// the first time. Without a claim, just does it.
    ///
    /// - Throws: `IdempotencyKeyReused`; `.conflict(.idempotencyKeyInUse)` when the first request is still under way
    ///   after the lock time-out; what `body` throws, which leaves no key behind.
    public func once(
        _ claim: IdempotencyClaim?, in workspace: UUID, _ body: () throws -> StoredAnswer
    ) throws -> (answer: StoredAnswer, isReplayed: Bool) {
        guard let claim else { return (try body(), false) }
        guard try insert(claim, in: workspace) else { return (try answer(of: claim, in: workspace), true) }
        let answer = try body()
        let response = JSON(fields: [("location", .text(answer.location)), ("body", answer.body)])
        try send(
            "idempotency_answer",
            [workspace, claim.caller, claim.key, answer.status, response.text, answer.about])
        return (answer, false)
    }

    /// Forgets the kept answers that show this conversation or contact; part of erasing it.
    public func forgetAnswers(about id: UUID, in workspace: UUID) throws {
        try send("idempotency_forget", [workspace, id])
    }

    /// Forgets the keys of more than a day ago.
    /// - Returns: how many.
    public func purgeIdempotencyKeys(in workspace: UUID) throws -> Int {
        try query("idempotency_purge", [workspace]).affected
    }

    /// Whether the key was new. Waits for another transaction that has it, as long as the lock time-out allows.
    private func insert(_ claim: IdempotencyClaim, in workspace: UUID) throws -> Bool {
        do {
            return try !query(
                "idempotency_claim", [workspace, claim.caller, claim.key, claim.operation, claim.fingerprint]
            ).isEmpty
        } catch let error as PostgresError
            where error.sqlState == .lockNotAvailable || error.sqlState == .queryCanceled
        {
            throw StoreError.conflict(
                .idempotencyKeyInUse, detail: "A request with this Idempotency-Key is still under way.")
        }
    }

    private func answer(of claim: IdempotencyClaim, in workspace: UUID) throws -> StoredAnswer {
        let row = try one("idempotency_read", [workspace, claim.caller, claim.key], what: "idempotency key")
        guard try row.decode("operation", as: String.self) == claim.operation,
            try row.decode("fingerprint", as: [UInt8].self) == claim.fingerprint
        else { throw IdempotencyKeyReused() }
        let response = try row.decodeJSON("response")
        return StoredAnswer(
            status: try row.decode("status"), body: response["body"] ?? .null, location: response["location"]?.string)
    }
}
