-- Approve or deny a request to follow the viewer. Returns 1, also when it is repeated, or 0 when there is nothing to decide:
-- no such account, approval of one that does not ask, denial of one that follows.
-- ARGV: viewer, viewer's name (as JSON), handle in lower case, event id, 'approve' or 'deny', followers that make a
-- celebrity.
local viewer, name, handle, event, decision, celebrity_followers = unpack(ARGV)
local asking = redis.call('GET', 'handle:' .. handle)
if not asking then
  return 0
end
if redis.call('SREM', 'requests:' .. viewer, asking) == 0 then
  local follows = redis.call('SISMEMBER', 'followers:' .. viewer, asking)
  return decision == 'approve' and follows or 1 - follows
end
if decision == 'approve' then
  start_following(asking, viewer, celebrity_followers)
  append_event(event, 'follow.approved', viewer, '{"user":"' .. asking .. '","name":' .. name .. '}')
end
return 1
