local json = { ["Content-Type"] = "application/json" }
local header
local function signed()
  header = header or { Authorization = "Bearer " .. read_state("token"), ["Content-Type"] = "application/json" }
  return header
end
return {
  W1 = function(i)
    return wrk.format("POST", "/api/v1/comments", json, '{"page_url":"https://example.org/page/' .. 1 + i % 100 ..
      '","name":"Reader ' .. i % 997 .. '","email":"reader' .. i % 997 .. '@example.org","body":"' .. unique_text(i) .. '"}')
  end,
  W2 = function() return wrk.format("GET", "/api/v1/comments?page_url=https%3A%2F%2Fexample.org%2Fpage%2F1") end,
  W3 = function() return wrk.format("GET", "/api/v1/admin/comments?status=pending", signed()) end,
  W4 = function() return wrk.format("POST", "/api/v1/admin/comments/" .. next_id() .. "/approve", signed(), "{}") end,
}
