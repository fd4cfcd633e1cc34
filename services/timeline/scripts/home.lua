-- A page of the home timeline as finished JSON. ARGV: viewer, limit, top, before (see page).
-- What celebrities wrote is not in everybody's home: it is merged in here.
local viewer = ARGV[1]
local celebrities = redis.call('SINTER', 'following:' .. viewer, 'celebrities')
for i, celebrity in ipairs(celebrities) do
  celebrities[i] = 'posts:' .. celebrity
end
return page('home:' .. viewer, celebrities, viewer, tonumber(ARGV[2]), ARGV[3], ARGV[4])
