-- Load accounts in bulk. ARGV: for each its id, handle, handle in lower case, password hash, created, protected.
for i = 1, #ARGV, 6 do
  local id, name, handle, password, created, protected = unpack(ARGV, i, i + 5)
  redis.call('SET', 'handle:' .. handle, id)
  redis.call('HSET', 'account:' .. id, 'name', name, 'created', created, 'protected', protected)
  redis.call('HSET', 'credential:' .. id, 'password', password)
end
return #ARGV / 6
