-- Load whom an account follows. ARGV: account, followers that make a celebrity, then the accounts it follows.
local account, celebrity_followers = ARGV[1], ARGV[2]
for i = 3, #ARGV do
  redis.call('SADD', 'following:' .. account, ARGV[i])
  redis.call('SADD', 'followers:' .. ARGV[i], account)
  count_followers(ARGV[i], celebrity_followers)
end
return #ARGV - 2
