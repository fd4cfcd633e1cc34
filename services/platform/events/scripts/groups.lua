-- What several scripts ask of the event log and its groups.

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

-- Up to where a group has handled everything.
local function handled(log, group)
  return group['pending'] > 0 and redis.call('XPENDING', log, group['name'])[2] or group['last-delivered-id']
end
