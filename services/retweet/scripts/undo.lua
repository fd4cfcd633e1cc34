-- Undo a retweet; possible also where the post has become invisible since. Returns 1, or 0 when there is nothing for
-- this viewer. ARGV: post id, viewer, event id.
local id, viewer, event = unpack(ARGV)
local author = redis.call('HGET', 'post:' .. id, 'author')
if not author then
  return 0
end
if redis.call('SREM', 'retweets:' .. id, viewer) == 1 then
  redis.call('HINCRBY', 'post:' .. id, 'retweets', -1)
  leave_own_timelines(viewer, id .. ':' .. viewer)
  append_event(event, 'retweet.undone', viewer, '{"post":"' .. id .. '","author":"' .. author .. '"}')
  return 1
end
return may_see(author, viewer) and 1 or 0
