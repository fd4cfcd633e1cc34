-- Notify accounts of something, once: the event's id and content decide what is written, so a second time changes
-- nothing and nobody is told twice. Returns how many were new.
-- ARGV: event id, kind, actor, actor's name (as JSON), post ('' for none), created, then the accounts.
local NOTIFICATIONS_KEPT = 800
local id, kind, actor, name, post, created = unpack(ARGV, 1, 6)
if post ~= '' and redis.call('EXISTS', 'post:' .. post) == 0 then
  return 0
end
local json = '{"id":"' .. id .. '","kind":"' .. kind .. '","actor":{"id":"' .. actor .. '","name":' .. name .. '}'
  .. (post == '' and '' or ',"post":"' .. post .. '"') .. ',"created":"' .. created .. '"}'
local new = 0
for i = 7, #ARGV do
  local account = ARGV[i]
  -- A mention shows a post, so it is for those who may see that.
  if account ~= actor and (kind ~= 'mention' or may_see(actor, account)) then
    local key = 'notifications:' .. account
    if redis.call('ZADD', key, id, json) == 1 then
      redis.call('ZREMRANGEBYRANK', key, 0, -NOTIFICATIONS_KEPT - 1)
      redis.call('PUBLISH', 'notifications-of:' .. account, json)
      new = new + 1
    end
  end
end
return new
