-- The same for the numbers of followers of those who have most. Returns how many were wrong. KEYS: the sorted set.
local wrong = 0
local entries = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #entries, 2 do
  local followers = redis.call('SCARD', 'followers:' .. entries[i])
  if tonumber(entries[i + 1]) ~= followers then
    wrong = wrong + 1
    redis.call('ZADD', KEYS[1], followers, entries[i])
  end
end
return wrong
