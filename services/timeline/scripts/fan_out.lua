-- Bring one entry of an author's timeline into followers' homes, or take it out. ARGV: author, member, followers.
-- The author's own timeline says what is true now, and `followers:` for whom, so that doing this late, twice or in
-- the wrong order changes nothing: an entry that is there is put in, one that is gone is taken out.
local author, member = ARGV[1], ARGV[2]
local followers = { unpack(ARGV, 3) }
local entry = redis.call('ZSCORE', 'posts:' .. author, member)
if not entry then
  for _, follower in ipairs(followers) do
    redis.call('ZREM', 'home:' .. follower, member)
  end
  return 0
end
local still_follows = redis.call('SMISMEMBER', 'followers:' .. author, unpack(followers))
for i, follower in ipairs(followers) do
  if still_follows[i] == 1 then
    local home = 'home:' .. follower
    redis.call('ZADD', home, entry, member)
    redis.call('ZREMRANGEBYRANK', home, 0, -TIMELINE_KEPT - 1)
  end
end
return 1
