import Foundation
import Postgres
import Store

/// Whether the disk can hold what is about to be generated.
enum FreeSpace {
    /// A tenth of the disk stays free whatever happens, for the write-ahead log and everybody else.
    private static let reserve = 0.1

    /// Throws a sentence when the database's disk is on this machine and too small. A directory that cannot be seen, such
    /// as another machine's, is not judged.
    static func check(_ plan: HistoryPlan, _ database: Database) async throws {
        let row = try? await database.read(
            Statement(name: "data_directory", sql: "SELECT current_setting('data_directory') AS path")
        ).first
        guard let path = try row?.decode("path", as: String.self),
            let values = try? FileManager.default.attributesOfFileSystem(forPath: path),
            let free = values[.systemFreeSize] as? NSNumber, let size = values[.systemSize] as? NSNumber
        else { return }
        let usable = free.doubleValue - size.doubleValue * reserve
        guard Double(plan.bytes) > usable else { return }
        throw CommandFailure(
            """
            \(plan.conversations) conversations need about \(gigabytes(Double(plan.bytes))) of disk, and \(path) has \
            \(gigabytes(max(0, usable))) to give (a tenth of the disk is left alone); \
            at most \(Int(max(0, usable)) / HistoryPlan.bytesPerConversation) would fit
            """)
    }

    private static func gigabytes(_ bytes: Double) -> String {
        bytes < 1e9 ? "\(Int(bytes / 1e6)) MB" : "\(Double(Int(bytes / 1e8)) / 10) GB"
    }
}
