-- Say how far each group is: for each {name, events it has not handled, whether it loses events}.
-- KEYS: the log. ARGV: entries at which the log is trimmed whatever its groups have handled.
local log, most = KEYS[1], tonumber(ARGV[1])
local COUNTED = 200

-- Counted as far as it is near. Beyond that by the server's word, if it has one: it does not know after a deletion, and
-- a replica that was promoted has it wrong before Redis 7.2, which does not replicate how far a group has counted.
local function unread(group)
  local near = #redis.call('XRANGE', log, '(' .. group['last-delivered-id'], '+', 'COUNT', COUNTED)
  return near < COUNTED and near or math.max(near, group['lag'] or 0)
end

local stream = fields(redis.call('XINFO', 'STREAM', log))
local first = stream['first-entry'] and stream['first-entry'][1]
local told = {}
for i, flat in ipairs(redis.call('XINFO', 'GROUPS', log)) do
  local group = fields(flat)
  local loses = stream['length'] >= most and is_before(handled(log, group), first)
  told[i] = { group['name'], group['pending'] + unread(group), loses and 1 or 0 }
end
return told
