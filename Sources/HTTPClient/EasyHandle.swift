import CLibCurl

/// One libcurl easy handle. It is used for many transfers, one after another, since it keeps TLS sessions.
/// Confined to the loop's thread.
final class EasyHandle {
    let pointer: UnsafeMutableRawPointer
    /// The first option that libcurl did not take. Options guard security, so none may be skipped in silence.
    private(set) var optionFailure: CURLcode = CURLE_OK

    init?() {
        guard let pointer = curl_easy_init() else { return nil }
        self.pointer = pointer
    }

    deinit { curl_easy_cleanup(pointer) }

    /// Back to defaults; connections, names and TLS sessions stay.
    func reset() {
        curl_easy_reset(pointer)
        optionFailure = CURLE_OK
    }

    func set(_ option: CURLoption, _ value: Int) { note(curl_shim_set_long(pointer, option, value)) }
    func set(_ option: CURLoption, _ value: String) { note(curl_shim_set_string(pointer, option, value)) }
    func set(_ option: CURLoption, size: Int) { note(curl_shim_set_size(pointer, option, curl_off_t(size))) }
    func set(_ option: CURLoption, _ value: UnsafeMutableRawPointer?) {
        note(curl_shim_set_pointer(pointer, option, value))
    }
    func set(_ option: CURLoption, _ function: @escaping curl_write_callback) {
        note(curl_shim_set_write_function(pointer, option, function))
    }
    func setOpenSocket(_ function: @escaping curl_opensocket_callback) {
        note(curl_shim_set_opensocket_function(pointer, function))
    }
    func setHeaders(_ list: UnsafeMutablePointer<curl_slist>?) { note(curl_shim_set_headers(pointer, list)) }
    func setBody(_ body: [UInt8]) {
        body.withUnsafeBytes { note(curl_shim_set_body(pointer, $0.baseAddress, curl_off_t($0.count))) }
    }

    var status: Int {
        var status = 0
        curl_shim_get_long(pointer, CURLINFO_RESPONSE_CODE, &status)
        return status
    }

    private func note(_ code: CURLcode) {
        if optionFailure == CURLE_OK { optionFailure = code }
    }
}

extension EasyHandle {
    /// What holds for every transfer of a client.
    func applyPolicy(_ configuration: HTTPClientConfiguration) {
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_REDIR_PROTOCOLS_STR, "https")
        set(CURLOPT_FOLLOWLOCATION, 0)
        // An empty proxy overrides http_proxy and its like in the environment.
        set(CURLOPT_PROXY, "")
        set(CURLOPT_NOPROXY, "*")
        set(CURLOPT_NETRC, 0)
        // No alarms: other threads exist. The loop's thread blocks SIGPIPE, which this option leaves to us.
        set(CURLOPT_NOSIGNAL, 1)
        // Without it, giving up a transfer whose name is still being looked up would join the resolver's thread, and
        // one dead name server would stop every transfer for seconds.
        set(CURLOPT_QUICK_EXIT, 1)
        // One transfer, one connection: the limits count both, and no receiver can interleave answers.
        set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_MAXLIFETIME_CONN, configuration.connectionLifetime.wholeSeconds)
        set(CURLOPT_LOW_SPEED_LIMIT, configuration.lowSpeedLimit)
        set(CURLOPT_LOW_SPEED_TIME, configuration.lowSpeedTime.wholeSeconds)
        set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        if let file = configuration.certificateAuthorityFile { set(CURLOPT_CAINFO, file) }
    }
}

extension Duration {
    /// Rounded up, so that nothing times out early; at least 1, since libcurl reads 0 as "no limit".
    var wholeMilliseconds: Int {
        let (whole, rest) = components.attoseconds.quotientAndRemainder(dividingBy: 1_000_000_000_000_000)
        return Int(clamping: max(1, components.seconds * 1000 + whole + (rest > 0 ? 1 : 0)))
    }

    /// Rounded up, at least 1.
    var wholeSeconds: Int {
        Int(clamping: max(1, components.seconds + (components.attoseconds > 0 ? 1 : 0)))
    }
}
