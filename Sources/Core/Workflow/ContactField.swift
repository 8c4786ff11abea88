/// Names of what is known of a contact.
public enum ContactField {
    /// Built-in values that can be written like workspace fields.
    public static let standard = ["name", "email", "phone", "language"]
    /// Names that already mean something else as `contact.{name}` (S27).
    public static let reserved: Set<String> = [
        "id", "tags", "fields", "identities", "blocked", "last_assignee_id", "created_at", "updated_at",
    ]

    /// Whether a name has the form of a field's: lower-case letters, digits and `_`, a letter first, at most 64.
    public static func isName(_ name: String) -> Bool {
        guard (1...64).contains(name.utf8.count), let first = name.utf8.first,
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first)
        else { return false }
        return name.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
        }
    }
}
