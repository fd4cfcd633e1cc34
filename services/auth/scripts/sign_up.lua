-- Make an account. Returns 'made', 'handle-taken', or 'id-taken' (the id is that of another account, so try again with a
-- new one). ARGV: id, handle, handle in lower case, password hash, created, event id.
local id, name, handle, password, created, event = unpack(ARGV)
local owner = redis.call('GET', 'handle:' .. handle)
if owner then
  -- The same call again after a lost answer is known by its hash, whose salt is random; an id may be made twice.
  local again = owner == id and redis.call('HGET', 'credential:' .. id, 'password') == password
  return again and 'made' or 'handle-taken'
end
if redis.call('EXISTS', 'account:' .. id) == 1 then
  return 'id-taken'
end
redis.call('SET', 'handle:' .. handle, id)
redis.call('HSET', 'account:' .. id, 'name', name, 'created', created, 'protected', 0, 'posts', 0)
redis.call('HSET', 'credential:' .. id, 'password', password)
append_event(event, 'account.created', id, '{"name":"' .. name .. '"}')
return 'made'
