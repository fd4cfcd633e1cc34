-- Acknowledge an event that nobody can handle, and put it where people can look at it. Several members may give up the
-- same one at once: the first does it. Returns 1 for that one, and 0 for the others.
-- KEYS: the log, the dead letters. ARGV: the group, the entry, how many dead letters are kept, the fields.
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then
  return 0
end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', unpack(ARGV, 4))
return 1
