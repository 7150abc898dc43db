-- Submissions, each with its own text, name, address and key, under PAGES pages in turn. FRAGMENTS is a file of texts, one
-- a line, of which three make a body; RUN is not used twice.
dofile(os.getenv("FOLDER") .. "/figures.lua")
local run = os.getenv("RUN")
local pages = tonumber(os.getenv("PAGES"))
local fragments = {}
for line in io.lines(os.getenv("FRAGMENTS")) do fragments[#fragments + 1] = line end
local number, count = 0, #fragments
local headers = { ["Content-Type"] = "application/json" }

function request()
  number = number + 1
  local name = run .. "x" .. number
  headers["Idempotency-Key"] = name
  return wrk.format("POST", "/api/v1/comments", headers,
    '{"page_url":"https://example.org/p/' .. 1 + number % pages .. '","name":"Reader ' .. name ..
    '","email":"reader' .. name .. '@example.org","body":"' .. fragments[math.random(count)] .. " " .. name .. " " ..
    fragments[math.random(count)] .. " " .. fragments[math.random(count)] .. '"}')
end
