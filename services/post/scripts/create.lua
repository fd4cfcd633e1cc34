-- Create a post, its place in its author's timelines and its event, all or nothing. Returns {outcome, post as it is served}:
-- 'made', also by an earlier call with the same key; 'gone' (made earlier and deleted since); 'other-text' (the key was
-- used for another one); 'taken' (the id is that of another post, so try again with a new one).
-- ARGV: author, author's name (as JSON), post id, body up to the mentions, idempotency key, seconds for which
-- it is kept, fingerprint of the text, then the handles (lower case) that the text mentions.
local author, name, id, head, idempotency_key, kept, fingerprint = unpack(ARGV, 1, 7)

-- Only the key tells that a call is the same as an earlier one. An id that is in use already says nothing: it may be a
-- stranger's, of a worker whose clock was stepped back.
local remembered = 'idempotency:' .. author .. ':' .. idempotency_key
local earlier = redis.call('GET', remembered)
if earlier then
  local earlier_id, earlier_fingerprint = string.match(earlier, '^(%d+) (.*)$')
  if earlier_fingerprint ~= fingerprint then
    return { 'other-text' }
  end
  local existing = redis.call('HGET', 'post:' .. earlier_id, 'author') == author and served(earlier_id)
  return { existing and 'made' or 'gone', existing }
end
if redis.call('EXISTS', 'post:' .. id, 'deleted:' .. id) > 0 then
  return { 'taken' }
end
redis.call('SET', remembered, id .. ' ' .. fingerprint, 'EX', kept)

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
