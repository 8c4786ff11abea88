import HTTPTypes

/// Every operation of the API, checked: the one list that the server, the OpenAPI test and the documentation walk.
public struct RouteTable: Sendable {
    /// In the order declared.
    public let routes: [Route]
    /// The routes of each path template.
    let paths: [PathRoutes]

    /// Checks the list.
    /// - Throws: `RouteTableError` on a malformed template, an operation or an operation id declared twice, a route
    ///   for HEAD or OPTIONS (both are derived), or two names for the same position of a path.
    public init(_ routes: [Route]) throws(RouteTableError) {
        var paths: [PathRoutes] = []
        var indexes: [String: Int] = [:]
        var operationIDs: Set<String> = []
        var parameterNames: [String: String] = [:]
        for route in routes {
            guard route.method != .head, route.method != .options else { throw .derivedMethod(route.operationID) }
            guard operationIDs.insert(route.operationID).inserted else {
                throw .duplicateOperationID(route.operationID)
            }
            try Self.check(route.path, &parameterNames)
            let index = indexes[route.path] ?? paths.count
            if index == paths.count {
                indexes[route.path] = index
                paths.append(PathRoutes(path: route.path))
            }
            guard paths[index].add(route) else { throw .duplicateRoute("\(route.method) \(route.path)") }
        }
        self.routes = routes
        self.paths = paths
    }

    /// The router tells apart two parameters of different names in the same place, so they must have one name.
    private static func check(
        _ path: String, _ parameterNames: inout [String: String]
    ) throws(RouteTableError) {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        guard segments.count >= 2, segments[0].isEmpty else { throw .malformedPath(path) }
        var prefix = ""
        for segment in segments.dropFirst() {
            guard !segment.isEmpty else { throw .malformedPath(path) }
            if segment.first == "{", segment.last == "}", segment.count > 2 {
                let name = String(segment.dropFirst().dropLast())
                if let earlier = parameterNames[prefix], earlier != name { throw .parameterNames(path, earlier, name) }
                parameterNames[prefix] = name
                prefix += "/{}"
            } else {
                let isPlain = segment.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                        UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
                guard isPlain else { throw .malformedPath(path) }
                prefix += "/\(segment)"
            }
        }
    }
}

/// A mistake in the list of routes; found when the server is put together, never while it runs.
public enum RouteTableError: Error, Sendable, Hashable {
    case malformedPath(String)
    case duplicateRoute(String)
    case duplicateOperationID(String)
    case derivedMethod(String)
    case parameterNames(String, String, String)
}

/// The routes of one path, with what is derived from them.
struct PathRoutes: Sendable {
    let path: String
    private(set) var byMethod: [HTTPRequest.Method: Route] = [:]

    init(path: String) {
        self.path = path
    }

    mutating func add(_ route: Route) -> Bool {
        guard byMethod[route.method] == nil else { return false }
        byMethod[route.method] = route
        return true
    }

    /// The route that answers the method; HEAD is answered by GET's.
    func route(for method: HTTPRequest.Method) -> Route? {
        byMethod[method == .head ? .get : method]
    }

    /// The value of `Allow`.
    var allow: String {
        var names = byMethod.keys.map(\.rawValue)
        if byMethod[.get] != nil { names.append("HEAD") }
        names.append("OPTIONS")
        return names.sorted().joined(separator: ", ")
    }

    /// Whether the path takes merge-patches.
    var takesPatches: Bool { byMethod[.patch] != nil }
}
