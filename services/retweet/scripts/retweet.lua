-- Retweet a post, once per account. Returns {outcome, count}: 'done', 'unknown' or 'protected'.
-- ARGV: post id, viewer, viewer's name (as JSON), event id (also the id of the timeline entry).
local id, viewer, name, event = unpack(ARGV)
local author = redis.call('HGET', 'post:' .. id, 'author')
if not author or not may_see(author, viewer) then
  return { 'unknown' }
end
if author ~= viewer and redis.call('HGET', 'account:' .. author, 'protected') == '1' then
  return { 'protected' }
end
if redis.call('SADD', 'retweets:' .. id, viewer) == 1 then
  redis.call('HINCRBY', 'post:' .. id, 'retweets', 1)
  enter_own_timelines(viewer, id .. ':' .. viewer, event)
  append_event(event, 'retweet.created', viewer,
    '{"post":"' .. id .. '","author":"' .. author .. '","name":' .. name .. '}')
end
return { 'done', redis.call('HGET', 'post:' .. id, 'retweets') }
