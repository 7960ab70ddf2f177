-- Do what is due; at most once in interval_ms, whoever asks.
-- args: interval_ms, keep_ms, hung_up, dead (words)
-- reads: queues, job:<id>, deadlines, hangups, ended
-- writes: swept, BullMQ's stalled, wait and active, once:*, fair:<model>, and what ending.lua and waiting.lua write
-- answers: states of what it ended
if not call('SET', base .. 'swept', now, 'NX', 'PX', args.interval_ms) then
  return ends
end

for _, model in ipairs(call('SMEMBERS', base .. 'queues')) do
  local q = queue_of(model)
  local keys = bull_keys(q, {'stalled', 'wait', 'active', 'stalled-check', 'meta', 'paused', 'marker', 'events',
                             'repeat'})
  call('DEL', q .. 'stalled-check') -- the gate above stands for BullMQ's own
  local lost = moveStalledJobsToWait(keys, {1000000, q, now, args.interval_ms})
  for _, id in ipairs(lost) do
    -- BullMQ has put it into wait already.
    call('LREM', q .. 'wait', 0, id)
    call('LPUSH', q .. 'active', id)
    died(id, args.dead)
  end
end

for _, id in ipairs(call('ZRANGEBYSCORE', base .. 'hangups', '-inf', now, 'LIMIT', 0, 2000)) do
  local once = call('HGET', job_key(id), 'once')
  local kept = once and call('GET', once)
  if kept and string.match(kept, '^%S+ (.+)$') == id then
    call('DEL', once)
  end
  call('ZREM', base .. 'hangups', id)
  if call('HEXISTS', job_key(id), 'state') == 1 then
    force_end(id, 'cancelled', args.hung_up)
  end
end

for _, id in ipairs(call('ZRANGEBYSCORE', base .. 'deadlines', '-inf', now, 'LIMIT', 0, 2000)) do
  call('ZREM', base .. 'deadlines', id)
  local job = call('HMGET', job_key(id), 'state', 'deadline_ms')
  if job[1] == 'queued' then
    force_end(id, 'expired', expired_words(job[2]))
  end
end

local old = now - args.keep_ms
for _, entry in ipairs(call('ZRANGEBYSCORE', base .. 'ended', '-inf', old, 'LIMIT', 0, 2000)) do
  forget(entry)
end

-- Virtual time: a tenant without a waiting job owes nothing; an idle queue starts anew; and before a busy one runs
-- out of the range of BullMQ's priorities, everything is moved down.
for _, model in ipairs(call('SMEMBERS', base .. 'queues')) do
  local q, fair = queue_of(model), base .. 'fair:' .. model
  local virtual_time = tonumber(call('HGET', fair, 'virtual_time') or 0)
  if call('ZCARD', q .. 'prioritized') == 0 then
    call('DEL', fair)
    if call('LLEN', q .. 'active') > 0 or call('LLEN', q .. 'wait') > 0 then
      call('HSET', fair, 'virtual_time', virtual_time)
    else
      call('DEL', q .. 'pc')
    end
  elseif virtual_time > @REBASE_AT@ then
    local down = math.floor(virtual_time)
    local function move(id)
      local job = call('HMGET', job_key(id), 'place', 'tag')
      local place = job[1] - down * 2 ^ 32
      call('HSET', job_key(id), 'place', place, 'tag', job[2] - down)
      return place
    end
    for _, id in ipairs(call('ZRANGE', q .. 'prioritized', 0, -1)) do
      call('ZADD', q .. 'prioritized', move(id), id)
    end
    for _, list in ipairs({'active', 'wait'}) do
      for _, id in ipairs(call('LRANGE', q .. list, 0, -1)) do
        move(id)
      end
    end
    for _, field in ipairs(call('HKEYS', fair)) do
      call('HSET', fair, field, math.max(0, call('HGET', fair, field) - down))
    end
  end
end
return ends
