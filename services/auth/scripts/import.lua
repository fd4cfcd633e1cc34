-- Load accounts in bulk; those that exist, and handles that belong to somebody, stay as they are.
-- ARGV: for each its id, handle, handle in lower case, password hash, created, protected.
for i = 1, #ARGV, 6 do
  local id, name, handle, password, created, protected = unpack(ARGV, i, i + 5)
  if redis.call('HEXISTS', 'account:' .. id, 'name') == 0 and redis.call('SETNX', 'handle:' .. handle, id) == 1 then
    redis.call('HSET', 'account:' .. id, 'name', name, 'created', created, 'protected', protected)
    redis.call('HSET', 'credential:' .. id, 'password', password)
  end
end
return #ARGV / 6
