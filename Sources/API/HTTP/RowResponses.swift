import Core
import Postgres

extension APIResponse {
    /// 200 with a row whose columns are the document's members.
    static func ok(_ row: PostgresRow) -> APIResponse {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(1024)
        row.appendJSON(to: &bytes)
        return APIResponse(body: .bytes(bytes, contentType: "application/json"))
    }
}

extension Page {
    /// The same answer of rows whose columns are an item's members.
    func response(_ rows: PostgresRows, key: (PostgresRow) throws -> [CursorValue]) throws -> APIResponse {
        let shown = rows.prefix(limit)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64 + 640 * shown.count)
        bytes.append(contentsOf: "{\"items\":[".utf8)
        for (index, row) in shown.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            row.appendJSON(to: &bytes)
        }
        bytes.append(contentsOf: "],\"next_cursor\":".utf8)
        var next = JSON.null
        if rows.count > limit, let last = shown.last {
            next = .string(CursorCode.encode(try key(last), filters: filters))
        }
        next.append(to: &bytes)
        bytes.append(UInt8(ascii: "}"))
        return APIResponse(body: .bytes(bytes, contentType: "application/json"))
    }
}
