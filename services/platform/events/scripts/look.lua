-- Trim the event log, never beyond what a group has not handled, and say how far each group is.
-- Returns for each group {name, events it has not handled, whether it loses events}.
-- KEYS: the log. ARGV: entries that all have handled and that are kept at most, for how many milliseconds they are,
-- entries at which the log is trimmed whatever its groups have handled.
local log, kept, kept_ms, most = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local COUNTED = 200

local function fields(flat)
  local named = {}
  for i = 1, #flat, 2 do
    named[flat[i]] = flat[i + 1]
  end
  return named
end

local function is_before(one, other)
  local ms, sequence = string.match(one, '(%d+)-(%d+)')
  local other_ms, other_sequence = string.match(other, '(%d+)-(%d+)')
  ms, other_ms = tonumber(ms), tonumber(other_ms)
  return ms < other_ms or (ms == other_ms and tonumber(sequence) < tonumber(other_sequence))
end

-- Counted as far as it is near. Beyond that by the server's word, if it has one: it does not know after a deletion, and
-- a replica that was promoted has it wrong before Redis 7.2, which does not replicate how far a group has counted.
local function unread(group)
  local near = #redis.call('XRANGE', log, '(' .. group['last-delivered-id'], '+', 'COUNT', COUNTED)
  return near < COUNTED and near or math.max(near, group['lag'] or 0)
end

local stream = fields(redis.call('XINFO', 'STREAM', log))
local first = stream['first-entry'] and stream['first-entry'][1]
local told, needed = {}, nil
for i, flat in ipairs(redis.call('XINFO', 'GROUPS', log)) do
  local group = fields(flat)
  local oldest = group['last-delivered-id']
  if group['pending'] > 0 then
    oldest = redis.call('XPENDING', log, group['name'])[2]
  end
  if not needed or is_before(oldest, needed) then
    needed = oldest
  end
  local loses = stream['length'] >= most and is_before(oldest, first)
  told[i] = { group['name'], group['pending'] + unread(group), loses and 1 or 0 }
end

if needed then
  local now = redis.call('TIME')
  local young = string.format('%.0f-0', now[1] * 1000 + math.floor(now[2] / 1000) - kept_ms)
  local crowded = stream['length'] > kept
  redis.call('XTRIM', log, 'MINID', '~', (crowded or is_before(needed, young)) and needed or young)
end
return told
