import CLibCurl

/// Where a request goes, as libcurl's own URL parser reads it: a second parser that reads a URL differently is how
/// checks are got around.
struct RequestTarget: Sendable {
    /// Normalised, ready for `CURLOPT_URL`.
    let url: String
    /// As in the URL, for messages.
    let host: String
    /// Scheme, host and port: what connections are shared by.
    let origin: String

    init(url text: String) throws(HTTPClientError) {
        guard text.utf8.count <= 16 << 10 else { throw .invalidURL(reason: "longer than 16 kB") }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .invalidURL(reason: "it holds a space, a control character or one beyond ASCII")
        }
        guard let handle = curl_url() else { throw .invalidURL(reason: "out of memory") }
        defer { curl_url_cleanup(handle) }

        let code = curl_url_set(handle, CURLUPART_URL, text, UInt32(CURLU_DISALLOW_USER))
        guard code == CURLUE_OK else { throw .invalidURL(reason: String(cString: curl_url_strerror(code))) }
        guard let scheme = Self.part(CURLUPART_SCHEME, of: handle)?.lowercased(), scheme == "http" || scheme == "https"
        else { throw .invalidURL(reason: "the scheme is neither http nor https") }
        guard let host = Self.part(CURLUPART_HOST, of: handle), !host.isEmpty,
            let port = Self.part(CURLUPART_PORT, of: handle), let url = Self.part(CURLUPART_URL, of: handle)
        else { throw .invalidURL(reason: "it names no host") }

        self.url = url
        self.host = host
        self.origin = "\(scheme)://\(host.lowercased()):\(port)"
    }

    private static func part(_ part: CURLUPart, of handle: OpaquePointer) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(handle, part, &text, UInt32(CURLU_DEFAULT_PORT)) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }
}
