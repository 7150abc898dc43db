-- The same request again and again, or (where PAGES is set) one for each page in turn, and for each of LENGTHS lengths of
-- the list; with one header more if HEADER is set.
dofile(os.getenv("FOLDER") .. "/figures.lua")
local headers = {}
local header = os.getenv("HEADER")
if header then
  local name, value = header:match("^([^:]+): (.*)$")
  headers[name] = value
end
local pages = tonumber(os.getenv("PAGES") or "0")
local lengths = tonumber(os.getenv("LENGTHS") or "0")
local path = os.getenv("REQUEST_PATH")
local requests, at = {}, 0

function init(args)
  if pages == 0 then
    requests[1] = wrk.format("GET", path, headers)
  end
  for page = 1, pages do
    for length = 0, math.max(lengths - 1, 0) do
      local more = lengths > 0 and "&limit=" .. 50 - length or ""
      requests[#requests + 1] = wrk.format("GET", path .. page .. more, headers)
    end
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
