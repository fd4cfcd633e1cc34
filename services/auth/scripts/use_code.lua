-- Use a TOTP code up. Returns 'ok', 'used' (each time step is good once), 'wrong' or 'too-many' (tries).
-- ARGV: account, the field that the secret stands in ('totp', 'totp_pending'), the secret by which the code was
-- checked, the time step that it matched ('' for none), what to do then ('log-in', 'confirm', 'disable').
local MOST_WRONG = 10
local WRONG_KEPT_SECONDS = 60
-- Longer than the steps around now that are accepted.
local USED_KEPT_SECONDS = 120

local account, field, secret, step, purpose = unpack(ARGV)
local credential, wrong = 'credential:' .. account, 'wrong-codes:' .. account
if tonumber(redis.call('GET', wrong) or 0) >= MOST_WRONG then
  return 'too-many'
end
if step == '' or redis.call('HGET', credential, field) ~= secret then
  redis.call('INCR', wrong)
  redis.call('EXPIRE', wrong, WRONG_KEPT_SECONDS)
  return 'wrong'
end
if not redis.call('SET', 'used-code:' .. account .. ':' .. step, '', 'NX', 'EX', USED_KEPT_SECONDS) then
  return 'used'
end
if purpose == 'confirm' then
  redis.call('HSET', credential, 'totp', secret)
  redis.call('HDEL', credential, 'totp_pending')
elseif purpose == 'disable' then
  redis.call('HDEL', credential, 'totp')
end
return 'ok'
