-- A page of notifications as finished JSON, newest first. ARGV: account, limit, before (id of the last notification on
-- the page before; '' for the first page).
local account, limit, before = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local bound = before == '' and '+inf' or '(' .. before
local found = redis.call('ZREVRANGEBYSCORE', 'notifications:' .. account, bound, '-inf', 'WITHSCORES', 'LIMIT', 0, limit + 1)
local items = {}
for i = 1, math.min(#found, 2 * limit), 2 do
  items[#items + 1] = found[i]
end
local next = #found > 2 * limit and '"' .. found[2 * limit] .. '"' or 'null'
return '{"items":[' .. table.concat(items, ',') .. '],"next":' .. next .. '}'
