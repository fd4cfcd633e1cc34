-- The follow graph. `following:` and `followers:` always change together.
local BACKFILLED = 20
local POPULAR_KEPT = 100

-- An account with this many followers is a celebrity from then on: posts that are merged at read are in nobody's home,
-- so it stays one also when it loses followers.
local function count_followers(account, celebrity_followers)
  local followers = redis.call('SCARD', 'followers:' .. account)
  if followers >= tonumber(celebrity_followers) then
    redis.call('SADD', 'celebrities', account)
  end
  redis.call('ZADD', 'popular', followers, account)
  redis.call('ZREMRANGEBYRANK', 'popular', 0, -POPULAR_KEPT - 1)
end

-- The follower's home gets the newest entries at once, so that following somebody shows.
local function start_following(follower, followed, celebrity_followers)
  redis.call('SREM', 'requests:' .. followed, follower)
  redis.call('SADD', 'following:' .. follower, followed)
  redis.call('SADD', 'followers:' .. followed, follower)
  count_followers(followed, celebrity_followers)
  if redis.call('SISMEMBER', 'celebrities', followed) == 0 then
    local home = 'home:' .. follower
    local entries = redis.call('ZREVRANGE', 'posts:' .. followed, 0, BACKFILLED - 1, 'WITHSCORES')
    for i = 1, #entries, 2 do
      redis.call('ZADD', home, entries[i + 1], entries[i])
    end
    redis.call('ZREMRANGEBYRANK', home, 0, -TIMELINE_KEPT - 1)
  end
end

-- Everything that came from the followed account leaves the follower's home. Returns 1, or 0 when nobody followed.
local function stop_following(follower, followed)
  redis.call('SREM', 'requests:' .. followed, follower)
  if redis.call('SREM', 'following:' .. follower, followed) == 0 then
    return 0
  end
  redis.call('SREM', 'followers:' .. followed, follower)
  redis.call('ZADD', 'popular', 'XX', redis.call('SCARD', 'followers:' .. followed), followed)
  local home = 'home:' .. follower
  local members = redis.call('ZRANGE', 'posts:' .. followed, 0, -1)
  -- The home may have more: a post from before the account's own timeline was trimmed, or a retweet that was undone,
  -- whose event comes too late, as it goes to those who follow by then.
  local by_followed = ':' .. followed
  for _, member in ipairs(redis.call('ZRANGE', home, 0, -1)) do
    local is_retweet = string.find(member, ':', 1, true)
    if string.sub(member, -#by_followed) == by_followed
      or (not is_retweet and redis.call('HGET', 'post:' .. member, 'author') == followed) then
      members[#members + 1] = member
    end
  end
  if #members > 0 then
    redis.call('ZREM', home, unpack(members))
  end
  return 1
end
