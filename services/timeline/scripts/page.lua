-- page(own, merged, viewer, limit, top, before): one page of a timeline as finished JSON.
--
-- `own` is the key of a timeline, `merged` a list of others that are merged into it. A page begins below the entry
-- `before` ('' for the first page); `top` is the newest entry of the first page. The cursor of the next page is
-- TOP-BEFORE: entries above TOP came while somebody was paging, those from BEFORE to TOP were on earlier pages.
--
-- A post stands in a timeline once, at its newest entry, however many people retweeted it. What was deleted is skipped,
-- and what the viewer may not see: an entry tells that it was shown once, not that its author, or the account whose
-- retweet brought it, shows it still.

-- However many entries there are, one call looks at no more than so many, and the store does nothing else meanwhile. A
-- page may then have fewer items than it could, and the next one goes on.
local LOOKED_AT = 2000
local SEEN_BEFORE = 5000

-- The newest entries below `bound` of all timelines, newest first, as {member, score, ...}, and whether these are all.
-- At most `want` are asked of each timeline; below the last one of a timeline that has more, others may be missing.
local function newest(own, merged, bound, want)
  local entries = redis.call('ZREVRANGEBYSCORE', own, bound, '-inf', 'WITHSCORES', 'LIMIT', 0, want)
  local whole = #entries < 2 * want
  if #merged == 0 then
    return entries, whole
  end
  local lowest = whole and '-inf' or entries[#entries]
  local known_down_to = tonumber(lowest)
  local extra = {}
  for _, key in ipairs(merged) do
    local found = redis.call('ZREVRANGEBYSCORE', key, bound, lowest, 'WITHSCORES', 'LIMIT', 0, want)
    for i = 1, #found, 2 do
      extra[#extra + 1] = { found[i], found[i + 1], tonumber(found[i + 1]) }
    end
    if #found == 2 * want then
      whole, known_down_to = false, math.max(known_down_to, extra[#extra][3])
    end
  end
  if #extra == 0 then
    return entries, whole
  end
  table.sort(extra, function(a, b) return a[3] > b[3] end)
  local both, n, next_extra = {}, 0, 1
  local function take_extra_above(score)
    while extra[next_extra] and extra[next_extra][3] > score and extra[next_extra][3] >= known_down_to do
      both[n + 1], both[n + 2] = extra[next_extra][1], extra[next_extra][2]
      n, next_extra = n + 2, next_extra + 1
    end
  end
  for i = 1, #entries, 2 do
    local score = tonumber(entries[i + 1])
    take_extra_above(score)
    if score < known_down_to then
      return both, whole
    end
    both[n + 1], both[n + 2] = entries[i], entries[i + 1]
    n = n + 2
  end
  take_extra_above(-1)
  return both, whole
end

local function post_of(member)
  local colon = string.find(member, ':', 1, true)
  if colon then
    return string.sub(member, 1, colon - 1), string.sub(member, colon + 1)
  end
  return member
end

local function on_earlier_pages(own, merged, top, before)
  local seen, left = {}, SEEN_BEFORE
  local function see(key)
    local members = redis.call('ZREVRANGEBYSCORE', key, top, before, 'LIMIT', 0, left)
    for _, member in ipairs(members) do
      seen[post_of(member)] = true
    end
    left = left - #members
  end
  see(own)
  for _, key in ipairs(merged) do
    see(key)
  end
  return seen
end

local function page(own, merged, viewer, limit, top, before)
  local seen = before == '' and {} or on_earlier_pages(own, merged, top, before)
  local shown, names, items, more = {}, {}, 0, false

  -- Whether these accounts show their posts to the viewer. Most are followed, and all of those are known by one call.
  local function ask_about(accounts)
    if #accounts > 0 then
      local followed = redis.call('SMISMEMBER', 'following:' .. viewer, unpack(accounts))
      for i, account in ipairs(accounts) do
        shown[account] = followed[i] == 1 or may_see(account, viewer)
      end
    end
  end

  local function name_of(account)
    names[account] = names[account] or redis.call('HGET', 'account:' .. account, 'name') or ''
    return names[account]
  end

  -- What the items are put together from.
  local json, n = { '{"items":[' }, 1
  local bound = before == '' and '+inf' or '(' .. before
  local looked_at = 0
  local entries, whole, at
  repeat
    entries, whole = newest(own, merged, bound, limit + 1)
    at = 1
    local posts, unknown = {}, {}
    while entries[at] and items + #posts < limit and looked_at < LOOKED_AT do
      local id, retweeter = post_of(entries[at])
      before, at, looked_at = entries[at + 1], at + 2, looked_at + 1
      if top == '' then
        top = before
      end
      if not seen[id] then
        seen[id] = true
        local post = redis.call('HMGET', 'post:' .. id, 'body', 'likes', 'retweets', 'author')
        local author = post[4]
        if author then
          post[5] = retweeter
          posts[#posts + 1] = post
          if shown[author] == nil then
            shown[author] = false
            unknown[#unknown + 1] = author
          end
          if retweeter and shown[retweeter] == nil then
            shown[retweeter] = false
            unknown[#unknown + 1] = retweeter
          end
        end
      end
    end
    ask_about(unknown)
    for i = 1, #posts do
      local post = posts[i]
      local retweeter = post[5]
      if shown[post[4]] and (not retweeter or shown[retweeter]) then
        json[n + 1], json[n + 2], json[n + 3] = items == 0 and '' or ',', post[1], ',"likes":'
        json[n + 4], json[n + 5], json[n + 6] = post[2], ',"retweets":', post[3]
        json[n + 7] = retweeter and ',"retweeted_by":{"id":"' .. retweeter .. '","name":"' .. name_of(retweeter) .. '"}}' or '}'
        n, items = n + 7, items + 1
      end
    end
    bound = '(' .. before
    more = (items == limit or looked_at == LOOKED_AT) and entries[at] ~= nil
  until more or (at > #entries and whole)

  json[n + 1] = '],"next":' .. (more and '"' .. top .. '-' .. before .. '"' or 'null') .. '}'
  return table.concat(json)
end
