-- How many notifications are not read. ARGV: account.
local read = redis.call('GET', 'notifications-read:' .. ARGV[1]) or '0'
return redis.call('ZCOUNT', 'notifications:' .. ARGV[1], '(' .. read, '+inf')
