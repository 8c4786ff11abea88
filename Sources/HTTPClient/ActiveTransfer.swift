import CLibCurl
import Glibc

/// A transfer that libcurl is working on: its handle, and what has come in so far. libcurl's callbacks hold an unretained
/// reference, valid because the loop keeps this object until the handle has left the multi handle. Confined to the
/// loop's thread.
final class ActiveTransfer {
    let transfer: Transfer
    let easy: EasyHandle
    private let guardian: AddressGuard
    private let maximumHeaderBytes: Int

    private var headerList: UnsafeMutablePointer<curl_slist>?
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    private var headers = HTTPHeaders()
    private var headerBytes = 0
    private var isInBody = false
    private var body: [UInt8] = []
    private var isTooLarge = false
    private var wasAddressRefused = false
    private var wasSocketOpened = false

    init(_ transfer: Transfer, easy: EasyHandle, guardian: AddressGuard, configuration: HTTPClientConfiguration) {
        self.transfer = transfer
        self.easy = easy
        self.guardian = guardian
        self.maximumHeaderBytes = configuration.maximumHeaderBytes
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        easy.applyPolicy(configuration)
        applyRequest()
        applyTimeouts(configuration)
        applyCallbacks()
    }

    /// Gives the handle back, no longer pointing into this object. Only after it has left the multi handle.
    func releaseHandle() -> EasyHandle {
        easy.reset()
        return easy
    }

    deinit {
        curl_slist_free_all(headerList)
        errorText.deallocate()
    }

    private func applyRequest() {
        let request = transfer.request
        easy.set(CURLOPT_URL, transfer.target.url)
        if request.method == "HEAD" {
            easy.set(CURLOPT_NOBODY, 1)
        } else {
            if !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method) {
                easy.setBody(request.body)
            } else {
                easy.set(CURLOPT_HTTPGET, 1)
            }
            easy.set(CURLOPT_CUSTOMREQUEST, request.method)
            if request.maximumResponseBytes > 0 {
                easy.set(CURLOPT_MAXFILESIZE_LARGE, size: request.maximumResponseBytes)
            }
        }
        // A name with a colon and nothing behind it takes out what libcurl would add by itself.
        appendHeader("Expect:")
        if request.headers["Content-Type"] == nil { appendHeader("Content-Type:") }
        for field in request.headers {
            // libcurl's notation for a field without a value is a semicolon.
            let value = field.value.trimmingSpaces
            appendHeader(value.isEmpty ? "\(field.name);" : "\(field.name): \(value)")
        }
        easy.setHeaders(headerList)
    }

    private func appendHeader(_ line: String) {
        if let extended = curl_slist_append(headerList, line) { headerList = extended }
    }

    private func applyTimeouts(_ configuration: HTTPClientConfiguration) {
        let rest = ContinuousClock.now.duration(to: transfer.deadline)
        easy.set(CURLOPT_TIMEOUT_MS, rest.wholeMilliseconds)
        easy.set(CURLOPT_CONNECTTIMEOUT_MS, min(rest, configuration.connectTimeout).wholeMilliseconds)
    }

    private func applyCallbacks() {
        let context = Unmanaged.passUnretained(self).toOpaque()
        easy.set(CURLOPT_ERRORBUFFER, UnsafeMutableRawPointer(errorText))
        easy.set(CURLOPT_WRITEDATA, context)
        easy.set(CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            ActiveTransfer.from(context)?.receiveBody(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
        }
        easy.set(CURLOPT_HEADERDATA, context)
        easy.set(CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            ActiveTransfer.from(context)?.receiveHeader(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
        }
        easy.set(CURLOPT_OPENSOCKETDATA, context)
        easy.setOpenSocket { context, _, address in
            guard let active = ActiveTransfer.from(context), let address else { return CURL_SOCKET_BAD }
            return active.openSocket(to: address)
        }
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> ActiveTransfer? {
        context.map { Unmanaged<ActiveTransfer>.fromOpaque($0).takeUnretainedValue() }
    }

    private func openSocket(to address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        guard guardian.permits(Self.bytes(of: address)) else {
            wasAddressRefused = true
            return CURL_SOCKET_BAD
        }
        wasSocketOpened = true
        return curl_shim_open_socket(address)
    }

    /// The IP address in network order; empty for another family.
    private static func bytes(of address: UnsafeMutablePointer<curl_sockaddr>) -> [UInt8] {
        guard let raw = curl_shim_sockaddr(address) else { return [] }
        let length = Int(address.pointee.addrlen)
        switch address.pointee.family {
        case AF_INET where length >= MemoryLayout<sockaddr_in>.size:
            return withUnsafeBytes(of: raw.loadUnaligned(as: sockaddr_in.self).sin_addr) { Array($0) }
        case AF_INET6 where length >= MemoryLayout<sockaddr_in6>.size:
            return withUnsafeBytes(of: raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr) { Array($0) }
        default: return []
        }
    }

    /// Any other number than the one given ends the transfer.
    private func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard body.count + bytes.count <= transfer.request.maximumResponseBytes else {
            isTooLarge = true
            return 0
        }
        body.append(contentsOf: bytes)
        return bytes.count
    }

    /// Called with one line at a time. A status line begins anew, since interim answers (1xx) come the same way; lines
    /// after the body are trailers, counted and dropped.
    private func receiveHeader(_ bytes: UnsafeRawBufferPointer) -> Int {
        headerBytes += bytes.count
        guard headerBytes <= maximumHeaderBytes else {
            isTooLarge = true
            return 0
        }
        var line = bytes[...]
        while let last = line.last, last == 0x0A || last == 0x0D { line = line.dropLast() }
        if line.starts(with: "HTTP/".utf8) && (isInBody || headers.fields.isEmpty) {
            headers = HTTPHeaders()
            isInBody = false
        } else if line.isEmpty {
            isInBody = true
        } else if !isInBody {
            let text = String(decoding: line, as: UTF8.self)
            if line.first == 0x20 || line.first == 0x09 {
                headers.continueLast(with: text.trimmingSpaces)
            } else if let colon = text.firstIndex(of: ":") {
                headers.add(String(text[..<colon]), String(text[text.index(after: colon)...]).trimmingSpaces)
            }
        }
        return bytes.count
    }

    /// What the caller gets when libcurl says that the transfer is over.
    func result(_ code: CURLcode) -> Result<HTTPResponse, HTTPClientError> {
        guard code != CURLE_OK else {
            return .success(HTTPResponse(status: easy.status, headers: headers, body: body))
        }
        if isTooLarge { return .failure(.responseTooLarge) }
        let reason = errorText.pointee == 0 ? String(cString: curl_easy_strerror(code)) : String(cString: errorText)
        switch code {
        case CURLE_OPERATION_TIMEDOUT: return .failure(.timedOut)
        case CURLE_COULDNT_RESOLVE_HOST: return .failure(.unresolvable(host: transfer.target.host))
        case CURLE_COULDNT_CONNECT, CURLE_ABORTED_BY_CALLBACK:
            let isRefused = wasAddressRefused && !wasSocketOpened
            return .failure(isRefused ? .addressRefused(host: transfer.target.host) : .connect(reason: reason))
        case CURLE_FILESIZE_EXCEEDED: return .failure(.responseTooLarge)
        case CURLE_URL_MALFORMAT: return .failure(.invalidURL(reason: reason))
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_INVALIDCERTSTATUS:
            return .failure(.tls(reason: reason))
        default: return .failure(.transport(reason: reason))
        }
    }
}

extension String {
    var trimmingSpaces: String {
        var text = Substring(self)
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return String(text)
    }
}
