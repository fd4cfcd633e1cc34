-- page(own, merged, viewer, limit, top, before): one page of a timeline as finished JSON.
--
-- `own` is the key of a timeline, `merged` a list of others that are merged into it. A page begins below the entry
-- `before` ('' for the first page); `top` is the newest entry of the first page. The cursor of the next page is
-- TOP-BEFORE: entries above TOP came while somebody was paging, those from BEFORE to TOP were on earlier pages.
--
-- A post stands in a timeline once, at its newest entry, however many people retweeted it. A post that was deleted
-- or that the viewer may not see (a retweet, whose author became protected) is skipped.

-- The newest entries below `bound` of all timelines, at most `want`, newest first, as {member, score, ...}.
local function newest(own, merged, bound, want)
  local entries = redis.call('ZREVRANGEBYSCORE', own, bound, '-inf', 'WITHSCORES', 'LIMIT', 0, want)
  if #merged == 0 then
    return entries
  end
  local lowest = #entries == 2 * want and entries[#entries] or '-inf'
  local extra = {}
  for _, key in ipairs(merged) do
    local found = redis.call('ZREVRANGEBYSCORE', key, bound, lowest, 'WITHSCORES', 'LIMIT', 0, want)
    for i = 1, #found, 2 do
      extra[#extra + 1] = { found[i], found[i + 1], tonumber(found[i + 1]) }
    end
  end
  if #extra == 0 then
    return entries
  end
  table.sort(extra, function(a, b) return a[3] > b[3] end)
  local both, n, next_extra = {}, 0, 1
  local function take_extra_above(score)
    while extra[next_extra] and extra[next_extra][3] > score do
      both[n + 1], both[n + 2] = extra[next_extra][1], extra[next_extra][2]
      n, next_extra = n + 2, next_extra + 1
    end
  end
  for i = 1, #entries, 2 do
    take_extra_above(tonumber(entries[i + 1]))
    both[n + 1], both[n + 2] = entries[i], entries[i + 1]
    n = n + 2
  end
  take_extra_above(-1)
  for i = 2 * want + 1, n do
    both[i] = nil
  end
  return both
end

local function post_of(member)
  local colon = string.find(member, ':', 1, true)
  if colon then
    return string.sub(member, 1, colon - 1), string.sub(member, colon + 1)
  end
  return member
end

local function on_earlier_pages(own, merged, top, before)
  local seen = {}
  local function see(key)
    for _, member in ipairs(redis.call('ZREVRANGEBYSCORE', key, top, before)) do
      seen[post_of(member)] = true
    end
  end
  see(own)
  for _, key in ipairs(merged) do
    see(key)
  end
  return seen
end

local function page(own, merged, viewer, limit, top, before)
  local seen = before == '' and {} or on_earlier_pages(own, merged, top, before)
  local names, items, more = {}, {}, false

  -- Without the closing brace, which is added when the items are put together.
  local function item(id, retweeter)
    local post = redis.call('HMGET', 'post:' .. id, 'body', 'likes', 'retweets')
    if not post[1] or (retweeter and not may_see(redis.call('HGET', 'post:' .. id, 'author'), viewer)) then
      return nil
    end
    local json = post[1] .. ',"likes":' .. post[2] .. ',"retweets":' .. post[3]
    if not retweeter then
      return json
    end
    local name = names[retweeter] or redis.call('HGET', 'account:' .. retweeter, 'name') or ''
    names[retweeter] = name
    return json .. ',"retweeted_by":{"id":"' .. retweeter .. '","name":"' .. name .. '"}'
  end

  local bound = before == '' and '+inf' or '(' .. before
  repeat
    local entries = newest(own, merged, bound, limit + 1)
    for i = 1, #entries, 2 do
      if #items == limit then
        more = true
        break
      end
      local id, retweeter = post_of(entries[i])
      before = entries[i + 1]
      if top == '' then
        top = before
      end
      if not seen[id] then
        seen[id] = true
        items[#items + 1] = item(id, retweeter)
      end
    end
    bound = '(' .. before
  until more or #entries < 2 * (limit + 1)

  local next = more and '"' .. top .. '-' .. before .. '"' or 'null'
  if #items == 0 then
    return '{"items":[],"next":' .. next .. '}'
  end
  return '{"items":[' .. table.concat(items, '},') .. '}],"next":' .. next .. '}'
end
