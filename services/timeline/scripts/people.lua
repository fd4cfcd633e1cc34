-- A page of a set of accounts as finished JSON, newest account first, or nil when it is not there for this viewer.
-- ARGV: prefix of the set ('followers:', 'following:', 'requests:'), handle in lower case ('' for the viewer's own),
-- viewer ('' for nobody), limit, before (id of the last account on the page before; '' for the first page).
local prefix, handle, viewer, limit, before = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local account = handle == '' and viewer or redis.call('GET', 'handle:' .. handle)
if not account or not may_see(account, viewer) then
  return nil
end
local items, last, more = {}, nil, false
for _, id in ipairs(redis.call('SORT_RO', prefix .. account, 'DESC')) do
  if before == '' or tonumber(id) < tonumber(before) then
    if #items == limit then
      more = true
      break
    end
    local name = redis.call('HGET', 'account:' .. id, 'name')
    if name then
      items[#items + 1] = '{"id":"' .. id .. '","name":"' .. name .. '"}'
      last = id
    end
  end
end
local next = more and '"' .. last .. '"' or 'null'
return '{"items":[' .. table.concat(items, ',') .. '],"next":' .. next .. '}'
