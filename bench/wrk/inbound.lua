-- A message of a new contact with each request. BENCH_RUN keeps the contacts of one run apart from those of another.
dofile(debug.getinfo(1, "S").source:sub(2):match("(.*/)") .. "report.lua")

local path = os.getenv("BENCH_PATH")
local run = os.getenv("BENCH_RUN")
local teams = tonumber(os.getenv("BENCH_TEAMS") or "1")
local number = 0

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. (os.getenv("BENCH_TOKEN") or "")

function request()
    number = number + 1
    local name = run .. "-" .. number
    return wrk.format(nil, path, nil,
        '{"events":[{"type":"message","message_id":"' .. name .. '","contact":{"external_id":"' .. name ..
        '","name":"Contact ' .. name .. '"},"text":"Where is my new card? I have been waiting for it since last week, '
        .. string.format("queue %02d.", number % teams) .. '"}]}')
end
