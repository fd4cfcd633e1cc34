-- Like a post, once per account. Returns 1, or 0 when the post is not there for this viewer.
-- ARGV: post id, viewer, viewer's name (as JSON), event id.
local id, viewer, name, event = unpack(ARGV)
local author = redis.call('HGET', 'post:' .. id, 'author')
if not author or not may_see(author, viewer) then
  return 0
end
if redis.call('SADD', 'likes:' .. id, viewer) == 1 then
  redis.call('HINCRBY', 'post:' .. id, 'likes', 1)
  append_event(event, 'post.liked', viewer,
    '{"post":"' .. id .. '","author":"' .. author .. '","name":' .. name .. '}')
end
return 1
