-- Set counters right by the sets that they count, for a few keys, those that a scan comes by. Returns {where the scan goes
-- on, posts seen, counters that were wrong}. ARGV: cursor, keys at a time, by how much likes are to be wrong (a fault).
local found = redis.call('SCAN', ARGV[1], 'COUNT', ARGV[2])
local posts, wrong = 0, 0
for _, key in ipairs(found[2]) do
  local id = string.match(key, '^post:(%d+)$')
  if id then
    posts = posts + 1
    for _, counter in ipairs({ 'likes', 'retweets' }) do
      local counted, imported = unpack(redis.call('HMGET', key, counter, 'imported-' .. counter))
      local right = redis.call('SCARD', counter .. ':' .. id) + (tonumber(imported) or 0)
      if counter == 'likes' then
        right = right + ARGV[3]
      end
      if tonumber(counted) ~= right then
        wrong = wrong + 1
        redis.call('HSET', key, counter, right)
      end
    end
  end
end
return { found[1], posts, wrong }
