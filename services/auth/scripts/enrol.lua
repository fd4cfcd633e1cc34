-- Keep a new TOTP secret until it is confirmed. Returns 1, or 0 when a second factor is on already.
-- ARGV: account, secret.
local credential = 'credential:' .. ARGV[1]
if redis.call('HEXISTS', credential, 'totp') == 1 then
  return 0
end
redis.call('HSET', credential, 'totp_pending', ARGV[2])
return 1
