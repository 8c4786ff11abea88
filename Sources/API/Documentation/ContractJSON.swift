import Core
import OrderedCollections
import Yams

/// YAML as JSON, in the order of the document.
enum ContractJSON {
    /// - Throws: when it is no YAML.
    static func parse(_ yaml: [UInt8]) throws -> JSON {
        guard let node = try Yams.compose(yaml: String(decoding: yaml, as: UTF8.self)) else { return .null }
        return value(of: node)
    }

    private static func value(of node: Node) -> JSON {
        switch node {
        case .mapping(let mapping):
            var members: OrderedDictionary<String, JSON> = [:]
            for (key, value) in mapping { members[key.scalar?.string ?? ""] = self.value(of: value) }
            return .object(members)
        case .sequence(let sequence): return .array(sequence.map { value(of: $0) })
        case .scalar(let scalar): return value(of: scalar, node)
        case .alias: return .null
        }
    }

    /// Only what is written without quotation marks can be anything but text.
    private static func value(of scalar: Node.Scalar, _ node: Node) -> JSON {
        guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
        if node.null != nil { return .null }
        if let value = node.bool { return .bool(value) }
        if let value = node.int { return .integer(Int64(value)) }
        if let value = node.float, value.isFinite { return .number(value) }
        return .string(scalar.string)
    }
}
