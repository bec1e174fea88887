-- SPDX-License-Identifier: MIT
-- 512 bytes of JSON, posted again and again.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local body = '{"event":"order.created","number":1234567,"amount":199.95,"text":"'
wrk.body = body .. string.rep("x", 512 - #body - 2) .. '"}'

done = function(summary, latency, requests)
    local wrong = summary.errors.status + summary.errors.connect + summary.errors.read
        + summary.errors.write + summary.errors.timeout
    io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, summary.duration,
        latency:percentile(50), latency:percentile(99), wrong))
end
