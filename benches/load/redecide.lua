-- Decides the comments of the file IDS in turn, from the one at OFFSET on, each time they come round otherwise than before.
dofile(os.getenv("FOLDER") .. "/figures.lua")
local headers = { ["Authorization"] = "Bearer " .. os.getenv("TOKEN"), ["Content-Type"] = "application/json" }
local at = tonumber(os.getenv("OFFSET"))
local words = { "restore", "approve", "reject" }
local ids = {}
for line in io.lines(os.getenv("IDS")) do ids[#ids + 1] = line end

function request()
  at = at + 1
  local round = math.floor(at / #ids)
  return wrk.format("POST", "/api/v1/admin/comments/" .. ids[1 + at % #ids] .. "/" .. words[1 + round % 3], headers, "{}")
end
