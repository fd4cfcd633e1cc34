-- A profile as finished JSON, or nil for an unknown handle. ARGV: handle in lower case, viewer ('' for nobody).
local account, viewer = redis.call('GET', 'handle:' .. ARGV[1]), ARGV[2]
if not account then
  return nil
end
local fields = redis.call('HMGET', 'account:' .. account, 'name', 'protected', 'posts')
local state = 'none'
if viewer == account then
  state = 'self'
elseif viewer ~= '' and redis.call('SISMEMBER', 'following:' .. viewer, account) == 1 then
  state = 'following'
elseif viewer ~= '' and redis.call('SISMEMBER', 'requests:' .. account, viewer) == 1 then
  state = 'requested'
end
return table.concat({
  '{"id":"', account, '","name":"', fields[1], '","protected":', fields[2] == '1' and 'true' or 'false',
  ',"followers":', redis.call('SCARD', 'followers:' .. account),
  ',"following":', redis.call('SCARD', 'following:' .. account),
  ',"posts":', fields[3] or '0', ',"state":"', state, '"}',
})
