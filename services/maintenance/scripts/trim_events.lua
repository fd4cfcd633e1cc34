-- Trim the event log, never beyond what a group has not handled. Returns how many entries went.
-- KEYS: the log. ARGV: entries that all have handled and that are kept at most, for how many milliseconds they are.
local log, kept, kept_ms = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
if redis.call('EXISTS', log) == 0 then
  return 0
end
local needed
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', log)) do
  local oldest = handled(log, fields(flat))
  if not needed or is_before(oldest, needed) then
    needed = oldest
  end
end
if not needed then
  return 0
end
local now = redis.call('TIME')
local young = string.format('%.0f-0', now[1] * 1000 + math.floor(now[2] / 1000) - kept_ms)
local crowded = redis.call('XLEN', log) > kept
return redis.call('XTRIM', log, 'MINID', '~', (crowded or is_before(needed, young)) and needed or young)
