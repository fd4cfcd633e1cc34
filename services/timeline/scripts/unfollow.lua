-- End that one account follows another, or its wish to. Returns 1, or 0 for an unknown handle.
-- ARGV: viewer, handle in lower case, event id, 'follower' or 'followed' (what the viewer is to the other account).
local viewer, handle, event, role = unpack(ARGV)
local other = redis.call('GET', 'handle:' .. handle)
if not other then
  return 0
end
local follower, followed = viewer, other
if role == 'followed' then
  follower, followed = other, viewer
end
if stop_following(follower, followed) == 1 then
  append_event(event, 'user.unfollowed', follower, '{"user":"' .. followed .. '"}')
end
return 1
