import Core
import Foundation
import Logging
import ServiceLifecycle
import Store

/// Lets the API processes share rate limits: each tells the others what it let through, once a second and sooner when a
/// caller uses much, over NOTIFY. No table is written.
///
/// What is lost while the database is away is lost: then a limit holds per process.
public final class RateSharing: Service {
    private static let channel = "switchboard_rates"
    private static let interval = Duration.seconds(1)
    /// Ticks between two looks at the workspaces' own limits.
    private static let ticksPerRefresh = 5
    /// Callers in one notification: PostgreSQL takes 8,000 bytes, a caller needs up to 90.
    private static let callersPerNote = 80

    private let store: Store
    private let limiter: RateLimiter
    private let logger: Logger

    /// - Parameter store: with the owner's rights: workspaces of all tenants are looked at.
    public init(store: Store, limiter: RateLimiter, logger: Logger) {
        self.store = store
        self.limiter = limiter
        self.logger = logger
    }

    public func run() async throws {
        let origin = UUID().uuidString
        let (urgencies, urgent) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        limiter.whenUrgent { urgent.yield() }
        await cancelWhenGracefulShutdown { [self] in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.hear(except: origin) }
                group.addTask { await self.tick(origin) }
                group.addTask { for await _ in urgencies { self.tell(origin) } }
                await group.next()
                group.cancelAll()
            }
        }
    }

    private func tick(_ origin: String) async {
        var ticks = 0
        while !Task.isCancelled {
            if ticks.isMultiple(of: Self.ticksPerRefresh) { await refresh() }
            ticks += 1
            try? await Task.sleep(for: Self.interval)
            tell(origin)
        }
    }

    private func refresh() async {
        do {
            limiter.refresh(try await store.rateLimits())
        } catch {
            logger.debug("workspaces' own rate limits cannot be read", metadata: ["error": "\(error)"])
        }
    }

    private func tell(_ origin: String) {
        var use = limiter.tell().map(Self.text)[...]
        while !use.isEmpty {
            // Notifications that are alike would be sent once: the random id makes each its own.
            let words = [origin, UUID().uuidString] + use.prefix(Self.callersPerNote)
            store.database.notify(Self.channel, words.joined(separator: " "))
            use = use.dropFirst(Self.callersPerNote)
        }
    }

    private func hear(except origin: String) async {
        for await notification in store.database.listen([Self.channel]) {
            let words = notification.payload.split(separator: " ")
            guard words.count > 2, words[0] != origin else { continue }
            limiter.hear(Dictionary(words.dropFirst(2).compactMap(Self.use), uniquingKeysWith: +))
        }
    }

    private static func text(_ caller: RateCaller, _ count: Int) -> String {
        "\(caller.kind.rawValue):\(caller.id.uuidString):\(caller.workspace?.uuidString ?? ""):\(count)"
    }

    private static func use(_ word: Substring) -> (RateCaller, Int)? {
        let parts = word.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4, let kind = RateCaller.Kind(rawValue: parts[0]), let id = UUID(uuidString: parts[1]),
            let count = Int(parts[3]), count > 0
        else { return nil }
        return (RateCaller(kind, id: id, workspace: UUID(uuidString: parts[2])), count)
    }
}
