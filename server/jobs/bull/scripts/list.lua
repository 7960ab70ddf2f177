-- Ids of jobs of all tenants: those that run, those that wait in order of their places, and those that ended, last
-- first.
-- args: states (a map), limit, page (so many that ended are looked at together)
-- reads: queues, BullMQ's active, wait and prioritized, ended, job:<id>
local found, models = {}, call('SMEMBERS', base .. 'queues')
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
local at, last = 0, not next(args.states)
while left() > 0 and not last do
  local page = call('ZREVRANGE', base .. 'ended', at, at + args.page - 1)
  for _, entry in ipairs(page) do
    local id = string.match(entry, '^(%S+)')
    if left() > 0 and args.states[call('HGET', job_key(id), 'state')] then
      found[#found + 1] = id
    end
  end
  at, last = at + args.page, #page < args.page
end
return found
