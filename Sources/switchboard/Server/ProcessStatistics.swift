import Foundation
import Prometheus

/// What the system knows of this process, from `/proc/self`.
enum ProcessStatistics {
    static func samples() -> [MetricSample] {
        var samples: [MetricSample] = []
        // After the name in parentheses, which may hold spaces: state is field 3 (proc(5)).
        if let stat = text("/proc/self/stat"), let name = stat.lastIndex(of: ")") {
            let fields = stat[stat.index(after: name)...].split(separator: " ").map { Double($0) ?? 0 }
            let ticks = Double(max(sysconf(Int32(_SC_CLK_TCK)), 1))
            if fields.count > 21 {
                samples += [
                    MetricSample("process_cpu_seconds_total", [], (fields[11] + fields[12]) / ticks),
                    MetricSample("process_virtual_memory_bytes", [], fields[20]),
                    MetricSample(
                        "process_resident_memory_bytes", [], fields[21] * Double(sysconf(Int32(_SC_PAGESIZE)))),
                ]
                if let boot = bootTime {
                    samples.append(MetricSample("process_start_time_seconds", [], boot + fields[19] / ticks))
                }
            }
        }
        if let descriptors = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            samples.append(MetricSample("process_open_fds", [], Double(descriptors.count)))
        }
        // "Max open files", then the soft limit.
        let limits = text("/proc/self/limits")?.split(separator: "\n").first { $0.hasPrefix("Max open files") }
        if let limit = limits?.split(separator: " ").dropFirst(3).first.flatMap({ Double($0) }) {
            samples.append(MetricSample("process_max_fds", [], limit))
        }
        return samples
    }

    private static let bootTime: Double? = text("/proc/stat")?.split(separator: "\n")
        .first { $0.hasPrefix("btime ") }.flatMap { Double($0.dropFirst(6)) }

    private static func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }
}
