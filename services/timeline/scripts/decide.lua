-- Approve or deny a request to follow the viewer. Returns 1, or 0 when there is no such request.
-- ARGV: viewer, viewer's name (as JSON), handle in lower case, event id, 'approve' or 'deny', followers that make a
-- celebrity.
local viewer, name, handle, event, decision, celebrity_followers = unpack(ARGV)
local asking = redis.call('GET', 'handle:' .. handle)
if not asking then
  return 0
end
if redis.call('SREM', 'requests:' .. viewer, asking) == 0 then
  -- Approved before: the same answer once more.
  return decision == 'approve' and redis.call('SISMEMBER', 'followers:' .. viewer, asking) or 0
end
if decision == 'approve' then
  start_following(asking, viewer, celebrity_followers)
  append_event(event, 'follow.approved', viewer, '{"user":"' .. asking .. '","name":' .. name .. '}')
end
return 1
