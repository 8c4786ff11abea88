import CLibCurl
import Foundation

/// Everything that happens on the client's one thread: libcurl's multi handle, the transfers on it and those waiting.
/// Made and used on that thread only.
final class TransferLoop {
    private let configuration: HTTPClientConfiguration
    private let guardian: AddressGuard
    private let mailbox: TransferMailbox
    private let multi: UnsafeMutableRawPointer
    private var waiting: WaitingLine
    /// By easy handle.
    private var active: [UnsafeMutableRawPointer: ActiveTransfer] = [:]
    private var idleHandles: [EasyHandle] = []
    private var drainDeadline: ContinuousClock.Instant?

    /// Idle handles worth keeping: each holds some 20 kB.
    private static let keptHandles = 32
    /// Wake-ups and libcurl's own timers end the poll; this is for the case that a wake-up could not be sent.
    private static let longestPoll: Duration = .seconds(1)

    /// Runs a client until it is closed and everything is freed.
    static func run(configuration: HTTPClientConfiguration, mailbox: TransferMailbox) {
        blockPipeSignal()
        // The loop is gone, and with it every handle, before the mailbox says that the end has come.
        TransferLoop(configuration: configuration, mailbox: mailbox)?.run()
        mailbox.end()
    }

    private init?(configuration: HTTPClientConfiguration, mailbox: TransferMailbox) {
        guard curlIsReady, let multi = curl_multi_init() else { return nil }
        self.configuration = configuration
        self.mailbox = mailbox
        self.multi = multi
        guardian = AddressGuard(configuration: configuration)
        waiting = WaitingLine(limitPerOrigin: configuration.maximumConnectionsPerHost)
        // The waiting line already keeps transfers within the limits; these make libcurl close idle connections in time.
        curl_shim_multi_set_long(multi, CURLMOPT_MAXCONNECTS, configuration.maximumConnections)
        curl_shim_multi_set_long(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, configuration.maximumConnections)
        curl_shim_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, configuration.maximumConnectionsPerHost)
        curl_shim_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
        mailbox.open(multi)
    }

    deinit {
        mailbox.detach()
        idleHandles.removeAll()
        curl_multi_cleanup(multi)
    }

    private func run() {
        while true {
            takeMail()
            expireWaiting()
            if let drainDeadline {
                if ContinuousClock.now >= drainDeadline { endAll(.closed) }
                if active.isEmpty && waiting.count == 0 { return }
            }
            startWaiting()
            var running: Int32 = 0
            let isPerformed = curl_multi_perform(multi, &running) == CURLM_OK
            if finishDone() > 0 { continue }
            let isPolled = curl_multi_poll(multi, nil, 0, pollTimeout, nil) == CURLM_OK
            // Neither fails but for want of memory or descriptors: not in a busy circle then.
            if !isPerformed || !isPolled { usleep(10_000) }
        }
    }

    private func takeMail() {
        let mail = mailbox.collect()
        drainDeadline = mail.drainDeadline
        for transfer in mail.submitted {
            if transfer.ticket.isCancelled {
                mailbox.answer(transfer, .failure(.cancelled))
            } else {
                waiting.append(transfer)
            }
        }
        guard mail.isCancelling else { return }
        for cancelled in active.values.filter({ $0.transfer.ticket.isCancelled }) {
            end(cancelled, .failure(.cancelled))
        }
        for transfer in waiting.remove(where: { $0.ticket.isCancelled }) {
            mailbox.answer(transfer, .failure(.cancelled))
        }
    }

    private func expireWaiting() {
        let now = ContinuousClock.now
        guard let next = waiting.nextDeadline, next <= now else { return }
        for transfer in waiting.remove(where: { $0.deadline <= now }) { mailbox.answer(transfer, .failure(.timedOut)) }
    }

    private func startWaiting() {
        while active.count < configuration.maximumConnections, let transfer = waiting.next() {
            guard let easy = idleHandles.popLast() ?? EasyHandle() else {
                waiting.finished(transfer)
                mailbox.answer(transfer, .failure(.transport(reason: "out of memory")))
                continue
            }
            let started = ActiveTransfer(transfer, easy: easy, guardian: guardian, configuration: configuration)
            guard easy.optionFailure == CURLE_OK, curl_multi_add_handle(multi, easy.pointer) == CURLM_OK else {
                let reason = "libcurl took no request: \(String(cString: curl_easy_strerror(easy.optionFailure)))"
                keep(started.releaseHandle())
                waiting.finished(transfer)
                mailbox.answer(transfer, .failure(.transport(reason: reason)))
                continue
            }
            active[easy.pointer] = started
        }
    }

    /// Answers what libcurl has finished; returns how many.
    private func finishDone() -> Int {
        var finished: [(UnsafeMutableRawPointer, CURLcode)] = []
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            // Removing a handle frees its message: read all of them first.
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            finished.append((easy, curl_shim_message_result(message)))
        }
        guard !finished.isEmpty else { return 0 }
        for (easy, code) in finished {
            guard let done = active[easy] else { continue }
            end(done, done.result(code))
        }
        return finished.count
    }

    private func end(_ ended: ActiveTransfer, _ result: Result<HTTPResponse, HTTPClientError>) {
        curl_multi_remove_handle(multi, ended.easy.pointer)
        active[ended.easy.pointer] = nil
        keep(ended.releaseHandle())
        waiting.finished(ended.transfer)
        mailbox.answer(ended.transfer, result)
    }

    private func keep(_ easy: EasyHandle) {
        if idleHandles.count < Self.keptHandles { idleHandles.append(easy) }
    }

    private func endAll(_ reason: HTTPClientError) {
        for transfer in waiting.remove(where: { _ in true }) { mailbox.answer(transfer, .failure(reason)) }
        for transfer in Array(active.values) { end(transfer, .failure(reason)) }
    }

    private var pollTimeout: Int32 {
        let now = ContinuousClock.now
        let rests = [waiting.nextDeadline, drainDeadline].compactMap { $0.map { now.duration(to: $0) } }
        return Int32(clamping: min(Self.longestPoll, rests.min() ?? Self.longestPoll).wholeMilliseconds)
    }

    /// Writing to a connection that the peer has closed must be an error code. TLS writes without `MSG_NOSIGNAL`.
    private static func blockPipeSignal() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }
}

/// Once a process, before the first handle.
private let curlIsReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
