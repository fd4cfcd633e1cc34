-- may_see(author, viewer): whether this viewer ('' when nobody is signed in) may see what the author posted.
local function may_see(author, viewer)
  if author == viewer or redis.call('HGET', 'account:' .. author, 'protected') ~= '1' then
    return true
  end
  return viewer ~= '' and redis.call('SISMEMBER', 'followers:' .. author, viewer) == 1
end
