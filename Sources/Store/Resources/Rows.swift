import Core
import Foundation
import Postgres

extension UUID {
    /// Below every id there is: where a list begins.
    static let lowest = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
}

extension Store {
    /// Every row of a statement.
    func all<Item>(
        _ name: String, _ binds: [any PostgresBindable], _ decode: (PostgresRow) throws -> Item
    ) async throws -> [Item] {
        try await read(name, binds).map(decode)
    }

    /// The one row of a statement.
    /// - Throws: `StoreError.notFound` naming `what` when there is none.
    func one<Item>(
        _ name: String, _ binds: [any PostgresBindable], what: String, _ decode: (PostgresRow) throws -> Item
    ) async throws -> Item {
        guard let row = try await read(name, binds).first else { throw StoreError.notFound(what: what) }
        return try decode(row)
    }
}

extension StoreTransaction {
    /// The one row of a statement.
    /// - Throws: `StoreError.notFound` naming `what` when there is none.
    func one(_ name: String, _ binds: [any PostgresBindable], what: String) throws -> PostgresRow {
        guard let row = try query(name, binds).first else { throw StoreError.notFound(what: what) }
        return row
    }

    /// Runs `body`; violating the unique index becomes the conflict.
    func refusing<Result>(
        _ index: String, as conflict: Conflict, _ detail: String, _ body: () throws -> Result
    ) throws -> Result {
        do {
            return try body()
        } catch let error as PostgresError where error.violates(index) {
            throw StoreError.conflict(conflict, detail: detail)
        }
    }
}
