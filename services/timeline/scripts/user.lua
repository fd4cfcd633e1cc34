-- A page of an account's own timeline as finished JSON, or nil when it is not there for this viewer.
-- ARGV: viewer ('' for nobody), limit, top, before (see page), handle in lower case.
local viewer = ARGV[1]
local account = redis.call('GET', 'handle:' .. ARGV[5])
if not account or not may_see(account, viewer) then
  return nil
end
return page('posts:' .. account, {}, viewer, tonumber(ARGV[2]), ARGV[3], ARGV[4])
