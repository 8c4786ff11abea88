-- GET of the paths in the file BENCH_PATHS in turn.
dofile(debug.getinfo(1, "S").source:sub(2):match("(.*/)") .. "report.lua")

wrk.headers["Authorization"] = "Bearer " .. (os.getenv("BENCH_TOKEN") or "")

local requests = {}
local number = 0

function init(args)
    for path in io.lines(os.getenv("BENCH_PATHS")) do requests[#requests + 1] = wrk.format("GET", path) end
end

function request()
    number = number % #requests + 1
    return requests[number]
end
