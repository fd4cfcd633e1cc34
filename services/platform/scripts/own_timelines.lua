-- enter_own_timelines(account, member, entry): a post or retweet stands in its maker's own two timelines at once,
-- so that people see what they just did however late the fan-out to others is.
local function enter_own_timelines(account, member, entry)
  for _, key in ipairs({ 'posts:' .. account, 'home:' .. account }) do
    redis.call('ZADD', key, entry, member)
    redis.call('ZREMRANGEBYRANK', key, 0, -TIMELINE_KEPT - 1)
  end
end

local function leave_own_timelines(account, member)
  redis.call('ZREM', 'posts:' .. account, member)
  redis.call('ZREM', 'home:' .. account, member)
end
