-- Trim the log by how far all groups but one have come. Returns how many events that one loses, and has never had.
-- KEYS: the log. ARGV: the group.
local log, loser = KEYS[1], ARGV[1]
local needed, read
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', log)) do
  local group = fields(flat)
  if group['name'] == loser then
    read = group['last-delivered-id']
  elseif not needed or is_before(handled(log, group), needed) then
    needed = handled(log, group)
  end
end
if not (needed and read) or not is_before(read, needed) then
  return 0
end
local lost = #redis.call('XRANGE', log, '(' .. read, '(' .. needed)
if lost > 0 then
  redis.call('XTRIM', log, 'MINID', '=', needed)
end
return lost
