/// Questions to a libpq connection string, and changes of it.
public struct ConnectionString: Sendable {
    private var values: [String: String]

    /// - Throws: `.configuration`; the message does not repeat the string.
    public init(_ text: String) throws(PostgresError) {
        guard let values = ConnectionParameters.parse(text) else {
            throw PostgresError(.configuration, message: "the connection string cannot be read")
        }
        self.values = values
    }

    /// Host names, addresses or socket directories; empty where libpq's default holds.
    public var hosts: [String] {
        (values["host"] ?? values["hostaddr"] ?? "").split(separator: ",").map(String.init)
    }

    public subscript(keyword: String) -> String? {
        get { values[keyword] }
        set { values[keyword] = newValue }
    }

    /// `keyword='value' …`, as every program that uses libpq understands it. Holds the password, if there is one.
    public var text: String {
        values.sorted { $0.key < $1.key }.map { keyword, value in
            let escaped = value.reduce(into: "") { text, character in
                if character == "'" || character == "\\" { text.append("\\") }
                text.append(character)
            }
            return "\(keyword)='\(escaped)'"
        }.joined(separator: " ")
    }
}
