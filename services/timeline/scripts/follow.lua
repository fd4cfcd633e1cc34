-- Follow an account, or ask a protected one. Returns 'following', 'requested', 'self' or 'unknown'.
-- ARGV: viewer, viewer's name (as JSON), handle in lower case, event id, followers that make a celebrity.
local viewer, name, handle, event, celebrity_followers = unpack(ARGV)
local followed = redis.call('GET', 'handle:' .. handle)
if not followed then
  return 'unknown'
end
if followed == viewer then
  return 'self'
end
if redis.call('SISMEMBER', 'following:' .. viewer, followed) == 1 then
  return 'following'
end
local json = '{"user":"' .. followed .. '","name":' .. name .. '}'
if redis.call('HGET', 'account:' .. followed, 'protected') == '1' then
  if redis.call('SADD', 'requests:' .. followed, viewer) == 1 then
    append_event(event, 'follow.requested', viewer, json)
  end
  return 'requested'
end
start_following(viewer, followed, celebrity_followers)
append_event(event, 'user.followed', viewer, json)
return 'following'
