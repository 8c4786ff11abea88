import Postgres

extension PostgresError {
    /// Whether smaller pieces of a batch can do better: something in it is wrong, or there is too much of it.
    ///
    /// Where the server is full, stops or somebody holds a lock, nothing in the batch is to blame, and all of it waits.
    var isWorthHalving: Bool {
        (kind == .server || kind == .encoding) && (!isTemporary || sqlState == .queryCanceled)
    }
}
