-- Whom somebody may want to follow as finished JSON: accounts with many followers that show everybody their posts, and
-- that the viewer neither is nor follows. ARGV: viewer, limit.
local viewer, limit = ARGV[1], tonumber(ARGV[2])
local items = {}
for _, id in ipairs(redis.call('ZREVRANGE', 'popular', 0, -1)) do
  if #items == limit then
    break
  end
  if id ~= viewer and redis.call('SISMEMBER', 'following:' .. viewer, id) == 0 then
    local name, protected = unpack(redis.call('HMGET', 'account:' .. id, 'name', 'protected'))
    if name and protected ~= '1' then
      items[#items + 1] = '{"id":"' .. id .. '","name":"' .. name .. '"}'
    end
  end
end
return '{"items":[' .. table.concat(items, ',') .. '],"next":null}'
