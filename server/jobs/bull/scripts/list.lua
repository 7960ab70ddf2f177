-- Ids of jobs of all tenants: those that run, those that wait in order of their places, and of those that ended, last
-- first, those in one page.
-- args: states (a map), limit, page (so many that ended are looked at), after (empty, or what the call before
-- answered behind the ids, and then only of those that ended)
-- reads: queues, BullMQ's active, wait and prioritized, ended, job:<id>
-- answers: the ids and, where there may be more, the last entry of ended that was looked at and its score
local found = {}
local function left()
  return args.limit - #found
end
local function add(ids, from, to, by)
  for i = from, to, by do
    if left() <= 0 then
      return
    end
    found[#found + 1] = ids[i]
  end
end

-- How many of ended come before the page. Where its entry is gone, all of the entry's score are looked at again.
local function ended_before(entry, score)
  if not entry then
    return 0
  end
  local rank = call('ZREVRANK', base .. 'ended', entry)
  return rank and rank + 1 or call('ZCOUNT', base .. 'ended', '(' .. score, '+inf')
end

local models = args.after[1] and {} or call('SMEMBERS', base .. 'queues')
if args.states.running then
  for _, model in ipairs(models) do
    local active = call('LRANGE', queue_of(model) .. 'active', 0, -1)
    add(active, #active, 1, -1)
  end
end

if args.states.queued then
  for _, model in ipairs(models) do
    local wait = call('LRANGE', queue_of(model) .. 'wait', 0, -1)
    add(wait, #wait, 1, -1)
    if left() > 0 then
      local waiting = call('ZRANGE', queue_of(model) .. 'prioritized', 0, left() - 1)
      add(waiting, 1, #waiting, 1)
    end
  end
end

args.states.running, args.states.queued = nil, nil
if left() <= 0 or not next(args.states) then
  return {found}
end
local at = ended_before(args.after[1], args.after[2])
local page = call('ZREVRANGE', base .. 'ended', at, at + args.page - 1, 'WITHSCORES')
local looked = 0
while looked < #page and left() > 0 do
  local id = string.match(page[looked + 1], '^(%S+)')
  if args.states[call('HGET', job_key(id), 'state')] then
    found[#found + 1] = id
  end
  looked = looked + 2
end
if looked < 2 * args.page and looked == #page then
  return {found}
end
return {found, page[looked - 1], page[looked]}
