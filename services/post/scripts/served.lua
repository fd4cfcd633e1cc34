-- served(id): the JSON of a post as it is served (stored body, counters, closing brace), or false when it is gone.
local function served(id)
  local post = redis.call('HMGET', 'post:' .. id, 'body', 'likes', 'retweets')
  return post[1] and post[1] .. ',"likes":' .. post[2] .. ',"retweets":' .. post[3] .. '}'
end
