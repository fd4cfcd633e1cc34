-- Remove every key but some. ARGV: the keys that stay. Returns how many went.
local stays = {}
for _, key in ipairs(ARGV) do
  stays[key] = true
end
local cursor, gone = '0', 0
repeat
  local found = redis.call('SCAN', cursor, 'COUNT', 1000)
  cursor = found[1]
  for _, key in ipairs(found[2]) do
    if not stays[key] then
      gone = gone + redis.call('UNLINK', key)
    end
  end
until cursor == '0'
return gone
