import Dispatch
import Foundation

/// Writes a file that is there whole or not at all.
public enum ReportFile {
    /// Writes beside the place, to the disk, and renames: whoever reads sees the old file or the new one.
    /// - Throws: `ReportFileError`; the place is untouched then and nothing is left beside it.
    public static func write(_ bytes: [UInt8], to path: String) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            // Disks block; the pool of tasks must not.
            DispatchQueue.global().async { continuation.resume(with: Result { try place(bytes, at: path) }) }
        }
    }

    private static func place(_ bytes: [UInt8], at path: String) throws {
        let target = URL(fileURLWithPath: path)
        let folder = target.deletingLastPathComponent().path
        let temporary = "\(folder)/.\(target.lastPathComponent).\(UUID().uuidString.prefix(8).lowercased())"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw ReportFileError("create a file in", folder) }
        do {
            defer { close(descriptor) }
            try write(bytes, to: descriptor, path)
            guard fsync(descriptor) == 0 else { throw ReportFileError("write", path) }
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else {
            let error = ReportFileError("replace", path)
            unlink(temporary)
            throw error
        }
        // The new name is on the disk when its folder is.
        let folderDescriptor = open(folder, O_RDONLY | O_CLOEXEC)
        guard folderDescriptor >= 0 else { return }
        fsync(folderDescriptor)
        close(folderDescriptor)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws {
        try bytes.withUnsafeBytes { memory in
            var rest = memory[...]
            while !rest.isEmpty {
                let written = UnsafeRawBufferPointer(rebasing: rest).withMemoryRebound(to: UInt8.self) {
                    Foundation.write(descriptor, $0.baseAddress, $0.count)
                }
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { throw ReportFileError("write", path) }
                rest = rest.dropFirst(written)
            }
        }
    }
}

/// A file could not be written.
public struct ReportFileError: Error, Sendable, CustomStringConvertible {
    public let description: String

    /// With the reason of the last system call.
    init(_ action: String, _ path: String) {
        description = "cannot \(action) \(path): \(String(cString: strerror(errno)))"
    }
}
