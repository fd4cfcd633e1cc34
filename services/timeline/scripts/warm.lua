-- Fill the homes of a few accounts, those that a scan comes by, from the timelines of whom they follow. Only what is
-- missing comes: doing it again changes nothing. Returns {where the scan goes on, homes seen, homes that lacked something,
-- entries that came}. ARGV: cursor, keys at a time.
local TIMELINES_AT_ONCE = 500

local function fill(account)
  local home = 'home:' .. account
  local before = redis.call('ZCARD', home)
  local whose = redis.call('SDIFF', 'following:' .. account, 'celebrities')
  whose[#whose + 1] = account
  for first = 1, #whose, TIMELINES_AT_ONCE do
    local timelines = { home }
    for i = first, math.min(first + TIMELINES_AT_ONCE - 1, #whose) do
      timelines[#timelines + 1] = 'posts:' .. whose[i]
    end
    local count = #timelines
    timelines[count + 1], timelines[count + 2] = 'AGGREGATE', 'MAX'
    redis.call('ZUNIONSTORE', home, count, unpack(timelines))
    redis.call('ZREMRANGEBYRANK', home, 0, -TIMELINE_KEPT - 1)
  end
  return redis.call('ZCARD', home) - before
end

local found = redis.call('SCAN', ARGV[1], 'MATCH', 'account:*', 'COUNT', ARGV[2])
local lacked, came = 0, 0
for _, key in ipairs(found[2]) do
  local entries = fill(string.match(key, '^account:(%d+)$'))
  if entries > 0 then
    lacked, came = lacked + 1, came + entries
  end
end
return { found[1], #found[2], lacked, came }
