import Core
import Foundation
import Postgres

/// A request that its client may repeat: the same caller and key mean the same request (S28).
public struct IdempotencyClaim: Sendable {
    /// Who calls: keys of different callers do not meet.
    public var caller: String
    /// What the client sent as `Idempotency-Key`.
    public var key: String
    /// Method and path.
    public var operation: String
    /// SHA-256 of everything else that makes it this request.
    public var fingerprint: [UInt8]
    /// Hides what the answer shows once and never again.
    public var seal: AnswerSeal

    public init(caller: String, key: String, operation: String, fingerprint: [UInt8], seal: AnswerSeal) {
        self.caller = caller
        self.key = key
        self.operation = operation
        self.fingerprint = fingerprint
        self.seal = seal
    }
}

/// What a request is answered with, as far as it is kept for its repetition.
public struct StoredAnswer: Sendable, Hashable {
    public var status: Int
    public var body: JSON
    /// The last member of the answer's body, which is kept sealed and not part of `body`: a new key, a channel's token.
    public var secret: Secret?
    /// The value of the `Location` header.
    public var location: String?
    /// The conversation or contact that the body shows: erasing it forgets the answer.
    public var about: UUID?

    /// A member that the API shows this once.
    public struct Secret: Sendable, Hashable {
        public var member: String
        public var value: String

        public init(member: String, value: String) {
            self.member = member
            self.value = value
        }
    }

    public init(status: Int, body: JSON, secret: Secret? = nil, location: String? = nil, about: UUID? = nil) {
        self.status = status
        self.body = body
        self.secret = secret
        self.location = location
        self.about = about
    }
}

/// The key came with another request before.
public struct IdempotencyKeyReused: Error, Sendable {}

extension Store {
    /// Does `body` once per claim in one transaction; without a claim, just does it.
    ///
    /// - Parameter scope: the workspace; for an operator, who has none, the operator key's id.
    /// - Throws: as `StoreTransaction.once`.
    public func once(
        _ claim: IdempotencyClaim?, in scope: UUID,
        _ body: @escaping @Sendable (StoreTransaction) throws -> StoredAnswer
    ) async throws -> (answer: StoredAnswer, isReplayed: Bool) {
        guard let claim else { return (try await write(body), false) }
        return try await underWay.alone(claim) {
            try await self.write { transaction in try transaction.once(claim, in: scope) { try body(transaction) } }
        }
    }

    /// The kept answer of an earlier request with this claim, if there is one.
    /// - Throws: `IdempotencyKeyReused`.
    public func answer(of claim: IdempotencyClaim, in scope: UUID) async throws -> StoredAnswer? {
        try await read("idempotency_read", [scope, claim.caller, claim.key]).first.map {
            try StoredAnswer(row: $0, of: claim)
        }
    }
}

extension StoreTransaction {
    /// Does `body` once per claim: its effects, the key and the answer commit together; a repetition gets the answer of
    /// the first time.
    ///
    /// - Throws: `IdempotencyKeyReused`; `.conflict(.idempotencyKeyInUse)` when the first request is still under way in
    ///   another process after a short wait; what `body` throws, which leaves no key behind.
    public func once(
        _ claim: IdempotencyClaim, in scope: UUID, _ body: () throws -> StoredAnswer
    ) throws -> (answer: StoredAnswer, isReplayed: Bool) {
        guard try insert(claim, in: scope) else {
            let row = try one("idempotency_read", [scope, claim.caller, claim.key], what: "idempotency key")
            return (try StoredAnswer(row: row, of: claim), true)
        }
        let answer = try body()
        let sealed = try answer.secret.map { secret -> JSON in
            ["member": .string(secret.member), "sealed": .string(try claim.seal.seal(secret.value))]
        }
        let response = JSON(
            present: [("location", .text(answer.location)), ("body", answer.body), ("secret", sealed)])
        try send(
            "idempotency_answer",
            [scope, claim.caller, claim.key, answer.status, response.text, answer.about])
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

    /// Whether the key was new. Waits for another process's transaction that has it, but not for long: of this process
    /// there is never more than one (`RequestsUnderWay`).
    private func insert(_ claim: IdempotencyClaim, in scope: UUID) throws -> Bool {
        do {
            transaction.send(Self.shortWait)
            let claimed = try send(
                "idempotency_claim", [scope, claim.caller, claim.key, claim.operation, claim.fingerprint])
            transaction.send(Self.usualWait)
            return try !claimed.rows().isEmpty
        } catch let error as PostgresError
            where error.sqlState == .lockNotAvailable || error.sqlState == .queryCanceled
        {
            throw StoreError.keyInUse
        }
    }

    /// A request takes milliseconds; one that takes longer is answered 409 and asked for again.
    private static let shortWait = Statement(name: "idempotency_wait", sql: "SET LOCAL lock_timeout = '100ms'")
    private static let usualWait = Statement(name: "idempotency_wait_over", sql: "SET LOCAL lock_timeout TO DEFAULT")
}

extension StoredAnswer {
    /// - Throws: `IdempotencyKeyReused` when it is another request's, or was sealed for another token of the caller.
    fileprivate init(row: PostgresRow, of claim: IdempotencyClaim) throws {
        guard try row.decode("operation", as: String.self) == claim.operation,
            try row.decode("fingerprint", as: [UInt8].self) == claim.fingerprint
        else { throw IdempotencyKeyReused() }
        let response = try row.decodeJSON("response")
        self.init(
            status: try row.decode("status"), body: response["body"] ?? .null, location: response["location"]?.string)
        if let member = response["secret"]?["member"]?.string, let sealed = response["secret"]?["sealed"]?.string {
            guard let value = claim.seal.open(sealed) else { throw IdempotencyKeyReused() }
            secret = Secret(member: member, value: value)
        }
    }
}
