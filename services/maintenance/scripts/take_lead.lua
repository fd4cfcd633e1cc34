#!lua flags=allow-oom
-- Take the lease, or take it anew; returns who has it. KEYS: the lease. ARGV: who asks, milliseconds.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return holder
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
