import Core
import Foundation
import Postgres

extension Store {
    /// Closing categories in the order of their making.
    public func closingCategories(in workspace: UUID, after: UUID?, limit: Int) async throws -> [ClosingCategory] {
        try await all(
            "closing_categories_list", [workspace, after ?? .lowest, limit], ClosingCategory.init(row:))
    }

    public func closingCategory(_ id: UUID, in workspace: UUID) async throws -> ClosingCategory {
        try await one("closing_category_get", [workspace, id], what: "closing category", ClosingCategory.init(row:))
    }
}

extension StoreTransaction {
    public func createClosingCategory(name: String, in workspace: UUID) throws -> ClosingCategory {
        try refusingCategoryName {
            try ClosingCategory(
                row: one("closing_categories_insert", [workspace, [newID()], [name]], what: "workspace"))
        }
    }

    public func renameClosingCategory(
        _ id: UUID, to name: String?, if precondition: Precondition<ClosingCategory>? = nil, in workspace: UUID
    ) throws -> ClosingCategory {
        let current = try lockClosingCategory(id, in: workspace)
        try demand(precondition, in: workspace, current)
        guard let name, name != current.name else { return current }
        return try refusingCategoryName {
            try ClosingCategory(
                row: one("closing_category_update", [workspace, id, name], what: "closing category"))
        }
    }

    /// Conversations closed with it keep its name.
    public func deleteClosingCategory(
        _ id: UUID, if precondition: Precondition<ClosingCategory>? = nil, in workspace: UUID
    ) throws {
        let current = try lockClosingCategory(id, in: workspace)
        try demand(precondition, in: workspace, current)
        _ = try one("closing_category_delete", [workspace, id], what: "closing category")
    }

    private func lockClosingCategory(_ id: UUID, in workspace: UUID) throws -> ClosingCategory {
        try ClosingCategory(row: one("closing_category_lock", [workspace, id], what: "closing category"))
    }

    private func refusingCategoryName<Result>(_ body: () throws -> Result) throws -> Result {
        try refusing("closing_categories_name_key", as: .nameTaken, "Another closing category has this name.", body)
    }
}

extension ClosingCategory {
    init(row: PostgresRow) throws {
        self.init(
            id: try row.decode("id"), name: try row.decode("name"), createdAt: try row.decode("created_at"),
            updatedAt: try row.decode("updated_at"))
    }
}
