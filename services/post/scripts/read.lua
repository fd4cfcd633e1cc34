-- The post as it is served, or nil when it is not there for this viewer. ARGV: post id, viewer ('' for nobody).
local id, viewer = unpack(ARGV)
local author = redis.call('HGET', 'post:' .. id, 'author')
return author and may_see(author, viewer) and served(id)
