-- Remove what is too old of a few keys, those that a scan comes by. Returns {where the scan goes on, keys seen, what went}.
-- ARGV: cursor, keys at a time, seconds for which what makes a call repeatable is kept, for how long it would be kept by
-- itself (an idempotency key, a deleted post), the id of an event before which notifications are too old.
local cursor, count, kept, key_seconds, tombstone_seconds, first_id = unpack(ARGV)
kept = tonumber(kept)

-- How long ago a key was made that has so many seconds to live, all told. One with a shorter life goes by itself soon.
local function is_old(key, lifetime)
  local left = redis.call('TTL', key)
  return left >= 0 and tonumber(lifetime) - left > kept
end

local found = redis.call('SCAN', cursor, 'COUNT', count)
local gone = 0
for _, key in ipairs(found[2]) do
  local kind = string.match(key, '^([^:]+):')
  if kind == 'idempotency' and redis.call('TTL', key) > kept and is_old(key, key_seconds) then
    gone = gone + redis.call('UNLINK', key)
  elseif kind == 'deleted' and is_old(key, tombstone_seconds) then
    gone = gone + redis.call('UNLINK', key)
  elseif kind == 'notifications' then
    gone = gone + redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. first_id)
  end
end
return { found[1], #found[2], gone }
