-- Delete one's own post. Returns 'deleted', also when its author repeats it, 'unknown' or 'foreign'.
-- ARGV: post id, viewer, event id. Timelines of others keep a member without a post behind it, which reading skips.
local REPEATABLE_SECONDS = 600
local id, viewer, event = unpack(ARGV)
local author = redis.call('HGET', 'post:' .. id, 'author')
if not author and redis.call('GET', 'deleted:' .. id) == viewer then
  return 'deleted'
end
if not author or not may_see(author, viewer) then
  return 'unknown'
end
if author ~= viewer then
  return 'foreign'
end
redis.call('DEL', 'post:' .. id, 'likes:' .. id, 'retweets:' .. id)
redis.call('SET', 'deleted:' .. id, author, 'EX', REPEATABLE_SECONDS)
redis.call('HINCRBY', 'account:' .. author, 'posts', -1)
leave_own_timelines(author, id)
append_event(event, 'post.deleted', author, '{"post":"' .. id .. '"}')
return 'deleted'
