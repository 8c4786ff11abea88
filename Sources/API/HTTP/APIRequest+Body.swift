import Core
import HTTPTypes

extension APIRequest {
    /// The body as one strict JSON value.
    /// - Throws: 415 when the content type is not JSON (for PATCH: JSON merge-patch) in UTF-8 without compression;
    ///   400 `malformed-json` with the position otherwise.
    public func json() throws(Problem) -> JSON {
        try requireJSON()
        do throws(JSONError) {
            return try JSON.parse(body)
        } catch {
            throw error.problem
        }
    }

    /// The body as JSON, or nil when there is none.
    public func jsonIfPresent() throws(Problem) -> JSON? {
        body.isEmpty ? nil : try json()
    }

    /// Reads the body as one object. The closure asks for each field; afterwards unknown fields are refused by name and
    /// every mistake found is thrown at once.
    /// - Throws: as `json()`, and 422 `validation-failed` with all mistakes.
    public func object<Result>(_ read: (ObjectReader) throws -> Result?) throws -> Result {
        try Self.object(in: json(), read)
    }

    /// The same for an operation whose body may be missing altogether: an empty object stands in.
    public func objectIfPresent<Result>(_ read: (ObjectReader) throws -> Result?) throws -> Result {
        try Self.object(in: jsonIfPresent() ?? [:], read)
    }

    private static func object<Result>(in json: JSON, _ read: (ObjectReader) throws -> Result?) throws -> Result {
        let errors = FieldErrors()
        let reader = ObjectReader(json, errors: errors)
        let result = try read(reader)
        reader.finish()
        guard errors.isEmpty else { throw Problem.validationFailed(errors.list) }
        guard let result else { throw Problem.invalid("", "invalid", "is incomplete") }
        return result
    }

    /// The only content type the method takes.
    static func contentType(for method: HTTPRequest.Method) -> String {
        method == .patch ? "application/merge-patch+json" : "application/json"
    }

    /// - Throws: 415 when the body is not said to be JSON in UTF-8 without compression.
    func requireJSON() throws(Problem) {
        let expected = Self.contentType(for: method)
        let given = headers[.contentType]
        if let encoding = headers[.contentEncoding], encoding.lowercased() != "identity" {
            throw unsupported("The body may not be compressed (\(encoding.prefix(40))).")
        }
        guard let given else { throw unsupported("Content-Type is missing; send \(expected).") }
        guard let type = MediaTypeText(given), type.essence == expected else {
            throw unsupported("Content-Type is \(given.prefix(80)); send \(expected).")
        }
        if let charset = type.charset, charset != "utf-8" {
            throw unsupported("JSON is UTF-8; the charset \(charset.prefix(40)) is not accepted.")
        }
    }

    private func unsupported(_ detail: String) -> Problem {
        var problem = Problem(.unsupportedMediaType, detail: detail)
        // RFC 5789: an answer that refuses a patch's format says which ones are taken.
        if method == .patch { problem.headers[.acceptPatch] = Self.contentType(for: .patch) }
        return problem
    }
}

/// The parts of a `Content-Type` that matter here.
struct MediaTypeText {
    /// Type and subtype in lower case.
    let essence: String
    /// In lower case, without quotation marks.
    let charset: String?

    init?(_ text: String) {
        let parts = text.split(separator: ";", omittingEmptySubsequences: false).map(Self.trimmed)
        guard let essence = parts.first, !essence.isEmpty else { return nil }
        self.essence = essence.lowercased()
        var charset: String?
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1).map(Self.trimmed)
            if pair.count == 2, pair[0].lowercased() == "charset" {
                charset = pair[1].filter { $0 != "\"" }.lowercased()
            }
        }
        self.charset = charset
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let front = text.drop { $0 == " " || $0 == "\t" }
        guard let last = front.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return front.prefix(0) }
        return front[...last]
    }
}
