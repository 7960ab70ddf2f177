-- Lease waiting jobs of one model, in order as far as they fit.
-- args: model, worker, token (a prefix), lease_ms, images, pixels, most_pixels, idle, patience_ms
-- reads: BullMQ's wait and prioritized, urgent:*, job:<id>
-- writes: BullMQ's wait, active, prioritized, locks and jobs, urgent:*, deadlines, fair:<model>, depth, waiting,
--   at:<priority>, job:<id>, ev:<id>; what ending.lua writes, for jobs past their deadline
-- answers: {a list of {id, payload, token, attempt, alone, waited ms, checkpoints}, states of what it ended}
local q, model = queue_of(args.model), args.model

-- server.jobs.fair_share.line: jobs that came back, then the tenants' places, each with the tenant's most urgent
-- job that has none yet.
local returned, line, seen, owners, reached = call('LRANGE', q .. 'wait', 0, -1), {}, {}, {}, 0
for i = #returned, 1, -1 do
  line[#line + 1] = {id = returned[i], returned = true}
end
local function look_further()
  local found = call('ZRANGE', q .. 'prioritized', reached, reached + 15)
  reached = reached + 16
  for _, owner in ipairs(found) do
    local tenant = call('HGET', job_key(owner), 'tenant')
    seen[tenant] = (seen[tenant] or -1) + 1
    local id = call('ZRANGE', urgent_key(model, tenant), seen[tenant], seen[tenant])[1]
    line[#line + 1] = {id = id, tenant = tenant}
    owners[owner], line[#line].owner = #line, owner
  end
  return #found > 0
end

-- server.jobs.fit.choose
local images, pixels, taken, overtaken, expired, number = args.images, args.pixels, {}, {}, {}, 0
while images >= 1 and number < 64 do
  number = number + 1
  if not line[number] and not look_further() then
    break
  end
  local turn = line[number]
  local job = call('HMGET', job_key(turn.id), 'images', 'pixels', 'deaths', 'overtaken', 'deadline')
  local needs, size, alone = tonumber(job[1]), tonumber(job[2]), tonumber(job[3] or 0) >= @ALONE_FROM@
  if job[5] and tonumber(job[5]) <= now then
    expired[#expired + 1] = turn.id
  elseif #taken > 0 and needs > images then
    break
  elseif not (args.most_pixels and size > args.most_pixels) then
    if (alone and (#taken > 0 or not args.idle)) or (pixels and size > pixels) then
      if job[4] and now - tonumber(job[4]) >= args.patience_ms then
        break
      end
      overtaken[#overtaken + 1] = number
    else
      turn.alone, turn.images = alone, needs
      taken[#taken + 1] = number
      if alone then
        break
      end
      images = images - needs
      pixels = pixels and pixels - size * needs
    end
  end
end

-- A job that is served at a place of its tenant's that was given to another one leaves that one its own.
local function give_place(turn, number)
  local mine = call('HMGET', job_key(turn.id), 'place', 'tag')
  if turn.owner == turn.id then
    return mine[2]
  end
  local other = turn.owner
  local its = call('HMGET', job_key(other), 'place', 'tag')
  call('HSET', job_key(turn.id), 'place', its[1], 'tag', its[2])
  call('HSET', job_key(other), 'place', mine[1], 'tag', mine[2])
  call('ZADD', q .. 'prioritized', mine[1], other)
  local own = owners[turn.id]
  if own then
    line[own].owner, owners[other] = other, own
  end
  return its[2]
end

local leases = {}
for _, number in ipairs(taken) do
  local turn = line[number]
  if not turn.returned then
    local tag = tonumber(give_place(turn, number))
    local fair = base .. 'fair:' .. model
    if tag > tonumber(call('HGET', fair, 'virtual_time') or 0) then
      call('HSET', fair, 'virtual_time', tag)
    end
    call('ZREM', q .. 'prioritized', turn.id)
    call('ZREM', urgent_key(model, turn.tenant), turn.id)
  end
  -- BullMQ takes from the right end of its list.
  call('LREM', q .. 'wait', 1, turn.id)
  call('RPUSH', q .. 'wait', turn.id)
  local token = args.token .. ':' .. number
  local keys = bull_keys(q, {'wait', 'active', 'prioritized', 'events', 'stalled', 'limiter', 'delayed', 'paused',
                             'meta', 'pc', 'marker'})
  local opts = {token = token, lockDuration = args.lease_ms, name = args.worker}
  local found = moveToActive(keys, {q, now, cmsgpack.pack(opts)})[1]
  local payload
  for i = 1, #found, 2 do
    if found[i] == 'data' then
      payload = found[i + 1]
    end
  end
  local attempt = call('HINCRBY', job_key(turn.id), 'attempts', 1)
  call('HSET', job_key(turn.id), 'state', 'running', 'token', token, 'worker', args.worker, 'started', now,
       'alone', turn.alone and 1 or 0)
  call('HDEL', job_key(turn.id), 'overtaken')
  call('ZREM', base .. 'deadlines', turn.id)
  local job = call('HMGET', job_key(turn.id), 'submitted', 'checkpoints')
  count_waiting(turn.id, -1)
  count_running(turn.images, 1)
  tell(turn.id, event('started', {attempt = attempt}))
  leases[#leases + 1] = {turn.id, payload, token, attempt, turn.alone and 1 or 0, now - job[1], job[2] or ''}
end
for _, number in ipairs(overtaken) do
  if taken[1] and number < taken[#taken] then
    call('HSETNX', job_key(line[number].id), 'overtaken', now)
  end
end
for _, id in ipairs(expired) do
  force_end(id, 'expired', expired_words(call('HGET', job_key(id), 'deadline_ms')))
end
if call('ZCARD', q .. 'prioritized') == 0 and call('LLEN', q .. 'wait') == 0 then
  call('ZREM', q .. 'marker', '0') -- nothing to wake anybody for
end
return {leases, ends}
