-- wrk's client of the look-ups: anybody of the synthetic people, drawn anew for each request; figures as JSON at the end.
local people, token, at = tonumber(os.getenv("PEOPLE")), os.getenv("TOKEN"), os.getenv("AT")
local headers = {["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/json"}
local ask = '{"who":{"scheme":"citizen","value":"046090%06d"},"gate":"venue","at":"' .. at .. '"}'

function init() math.randomseed(46) end

function request() return wrk.format("POST", nil, headers, ask:format(math.random(1, people))) end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"failed":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.timeout + errors.status))
end
