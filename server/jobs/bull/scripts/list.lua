-- Ids of jobs of all tenants: those that run, those that wait in order of their places, and those that ended, last
-- first.
-- args: states (a map), limit
-- reads: queues, BullMQ's active, wait and prioritized, ended, job:<id>
local found = {}
local function add(ids, from, to, by)
  for i = from, to, by do
    local id = string.match(ids[i], '^(%S+)')
    if #found < args.limit and args.states[call('HGET', job_key(id), 'state')] then
      found[#found + 1] = id
    end
  end
end
for _, model in ipairs(call('SMEMBERS', base .. 'queues')) do
  local q = queue_of(model)
  local active, wait = call('LRANGE', q .. 'active', 0, -1), call('LRANGE', q .. 'wait', 0, -1)
  add(active, #active, 1, -1)
  add(wait, #wait, 1, -1)
  local waiting = call('ZRANGE', q .. 'prioritized', 0, args.limit)
  add(waiting, 1, #waiting, 1)
end
local ended = call('ZREVRANGE', base .. 'ended', 0, -1)
add(ended, 1, #ended, 1)
return found
