-- Make an account protected, or public again. ARGV: account, '1' or '0'.
redis.call('HSET', 'account:' .. ARGV[1], 'protected', ARGV[2])
return 1
