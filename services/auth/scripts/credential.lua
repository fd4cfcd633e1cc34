-- What a login needs: {id, name, password hash, TOTP secret or nil}, or nil for an unknown handle.
-- ARGV: handle in lower case.
local id = redis.call('GET', 'handle:' .. ARGV[1])
if not id then
  return nil
end
local credential = redis.call('HMGET', 'credential:' .. id, 'password', 'totp')
return { id, redis.call('HGET', 'account:' .. id, 'name'), credential[1], credential[2] }
