-- Approves the comments of the file IDS, one a line, from the one at OFFSET on, each once.
dofile(os.getenv("FOLDER") .. "/figures.lua")
local headers = { ["Authorization"] = "Bearer " .. os.getenv("TOKEN"), ["Content-Type"] = "application/json" }
local offset, at = tonumber(os.getenv("OFFSET")), 0
local ids = {}
for line in io.lines(os.getenv("IDS")) do ids[#ids + 1] = line end

function request()
  at = at + 1
  local id = ids[offset + at]
  -- Past the end there is nothing left to approve, which the count of decisions will show.
  return wrk.format("POST", "/api/v1/admin/comments/" .. (id or ids[#ids]) .. "/approve", headers, "{}")
end
