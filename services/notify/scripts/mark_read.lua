-- Mark notifications as read up to an id; never back, and never further than the newest, so that what comes later is
-- unread. ARGV: account, id.
local account, up_to = ARGV[1], ARGV[2]
local newest = redis.call('ZREVRANGE', 'notifications:' .. account, 0, 0, 'WITHSCORES')[2] or '0'
if tonumber(up_to) > tonumber(newest) then
  up_to = newest
end
local key = 'notifications-read:' .. account
if tonumber(up_to) > tonumber(redis.call('GET', key) or '0') then
  redis.call('SET', key, up_to)
end
return 1
