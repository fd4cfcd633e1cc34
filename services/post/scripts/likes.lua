-- {likes of a post, whether the viewer's is among them}, or nil when the post is not there for this viewer.
-- ARGV: post id, viewer ('' for nobody).
local id, viewer = unpack(ARGV)
local post = redis.call('HMGET', 'post:' .. id, 'author', 'likes')
if not post[1] or not may_see(post[1], viewer) then
  return nil
end
return { post[2], viewer == '' and 0 or redis.call('SISMEMBER', 'likes:' .. id, viewer) }
