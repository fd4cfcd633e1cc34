-- Load what an account posted into its timeline and, unless it is a celebrity, into its followers' homes.
-- ARGV: account, then ids of posts.
local account = ARGV[1]
local entries = {}
for i = 2, #ARGV do
  entries[#entries + 1] = ARGV[i]
  entries[#entries + 1] = ARGV[i]
end
local function add(key)
  redis.call('ZADD', key, unpack(entries))
  redis.call('ZREMRANGEBYRANK', key, 0, -TIMELINE_KEPT - 1)
end
add('posts:' .. account)
add('home:' .. account)
if redis.call('SISMEMBER', 'celebrities', account) == 0 then
  for _, follower in ipairs(redis.call('SMEMBERS', 'followers:' .. account)) do
    add('home:' .. follower)
  end
end
return #ARGV - 1
