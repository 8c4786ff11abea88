import Core
import Foundation
import Postgres

extension StoreTransaction {
    /// Writes a fact that belongs to no conversation, in this transaction, at the database's time.
    func record(_ type: EventType, by caller: Caller, in workspace: UUID, data: JSON) throws {
        try send(
            "insert_event",
            [
                workspace, newID(), type.rawValue, caller.source.rawValue, caller.actor.json.text, data.text,
            ])
    }
}
