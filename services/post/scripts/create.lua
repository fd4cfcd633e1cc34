-- Create a post, its place in its author's timelines and its event, all or nothing. Returns the post as it is served.
-- ARGV: author, author's name (as JSON), post id, body up to the mentions, idempotency key ('' for none), seconds for
-- which it is kept, fingerprint of the text, then the handles (lower case) that the text mentions.
local author, name, id, head, idempotency_key, kept, fingerprint = unpack(ARGV, 1, 7)

-- The same call again after a lost answer: the id is new for each request, so the post is already what it should be.
local existing = served(id)
if existing then
  return { 'made', existing }
end

local remembered = 'idempotency:' .. author .. ':' .. idempotency_key
if idempotency_key ~= '' then
  local earlier = redis.call('GET', remembered)
  if earlier then
    local earlier_id, earlier_fingerprint = string.match(earlier, '^(%d+) (.*)$')
    if earlier_fingerprint ~= fingerprint then
      return { 'other-text' }
    end
    existing = served(earlier_id)
    return { existing and 'made' or 'gone', existing }
  end
  redis.call('SET', remembered, id .. ' ' .. fingerprint, 'EX', kept)
end

local names, accounts = {}, {}
for i = 8, #ARGV do
  local mentioned = redis.call('GET', 'handle:' .. ARGV[i])
  if mentioned then
    names[#names + 1] = '"' .. redis.call('HGET', 'account:' .. mentioned, 'name') .. '"'
    accounts[#accounts + 1] = '"' .. mentioned .. '"'
  end
end

local body = head .. ',"mentions":[' .. table.concat(names, ',') .. ']'
redis.call('HSET', 'post:' .. id, 'body', body, 'author', author, 'likes', 0, 'retweets', 0)
redis.call('HINCRBY', 'account:' .. author, 'posts', 1)
enter_own_timelines(author, id, id)
append_event(id, 'post.created', author,
  '{"post":"' .. id .. '","name":' .. name .. ',"mentions":[' .. table.concat(accounts, ',') .. ']}')
return { 'made', served(id) }
