-- Load posts in bulk; those that exist stay as they are. Returns how many there were. Nobody is known of those who liked
-- or retweeted them before, so how many they were is kept beside the counters, for whoever counts again.
-- ARGV: for each post its id, author, body, likes, retweets.
for i = 1, #ARGV, 5 do
  local id, author, body, likes, retweets = unpack(ARGV, i, i + 4)
  if redis.call('EXISTS', 'post:' .. id) == 0 then
    redis.call('HSET', 'post:' .. id, 'body', body, 'author', author, 'likes', likes, 'retweets', retweets)
    redis.call('HINCRBY', 'account:' .. author, 'posts', 1)
    for name, number in pairs({ likes = likes, retweets = retweets }) do
      if number ~= '0' then
        redis.call('HSET', 'post:' .. id, 'imported-' .. name, number)
      end
    end
  end
end
return #ARGV / 5
