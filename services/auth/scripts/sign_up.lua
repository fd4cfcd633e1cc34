-- Make an account. Returns 1, or 0 when the handle is taken.
-- ARGV: id, handle, handle in lower case, password hash, created, event id.
local id, name, handle, password, created, event = unpack(ARGV)
local owner = redis.call('GET', 'handle:' .. handle)
if owner then
  -- The same call again after a lost answer: the id is new for each request.
  return owner == id and 1 or 0
end
redis.call('SET', 'handle:' .. handle, id)
redis.call('HSET', 'account:' .. id, 'name', name, 'created', created, 'protected', 0, 'posts', 0)
redis.call('HSET', 'credential:' .. id, 'password', password)
append_event(event, 'account.created', id, '{"name":"' .. name .. '"}')
return 1
