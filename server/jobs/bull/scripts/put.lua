-- Submit: a known key or id is answered, a job over a bound refused, any other one kept and queued.
-- args: id, model, tenant, images, pixels, priority, share (cost / weight), deadline_ms, asynchronous, once (the
--   key's name), digest, once_ms, most, most_of_tenant, waiter. ARGV[2]: the job's payload.
-- reads: once:*, job:<id>, depth, waiting, fair:<model>
-- writes: the same, and seq, queues, BullMQ's prioritized, job and events, urgent:*, deadlines, of:<tenant>,
--   ev:<id>, waiters:<id>, hangups, at:<priority>
-- answers: {'new' | 'known' | 'conflict', id} or {'full' | 'full_tenant', images waiting}
local function wait_for(id)
  if args.waiter and call('HEXISTS', job_key(id), 'ended') == 0 then
    call('SADD', base .. 'waiters:' .. id, args.waiter)
    call('ZREM', base .. 'hangups', id)
  end
end

local once = args.once and base .. 'once:' .. args.tenant .. ':' .. args.once
local kept = once and call('GET', once)
if kept then
  local digest, id = string.match(kept, '^(%S+) (.+)$')
  if digest ~= args.digest then
    return {'conflict', id}
  end
  wait_for(id)
  return {'known', id}
end
local id, model, tenant = args.id, args.model, args.tenant
if call('EXISTS', job_key(id)) == 1 then
  wait_for(id)
  return {'known', id}
end
local waiting = tonumber(call('HGET', base .. 'depth', 'waiting') or 0)
if waiting + args.images > args.most then
  return {'full', waiting}
end
waiting = tonumber(call('HGET', base .. 'waiting', tenant) or 0)
if waiting + args.images > args.most_of_tenant then
  return {'full_tenant', waiting}
end

local q, fair = queue_of(model), base .. 'fair:' .. model
call('SADD', base .. 'queues', model)
call('HSETNX', q .. 'meta', 'opts.maxLenEvents', 1000)
local arrival = call('INCR', base .. 'seq')
-- server.jobs.fair_share.next_tag
local virtual_time = tonumber(call('HGET', fair, 'virtual_time') or 0)
local last_tag = tonumber(call('HGET', fair, 'last:' .. tenant) or 0)
local tag = math.max(virtual_time, last_tag) + args.share
call('HSET', fair, 'last:' .. tenant, tag)
local keys = bull_keys(q, {'marker', 'meta', 'id', 'prioritized', 'delayed', 'completed', 'active', 'events', 'pc'})
addPrioritizedJob(keys, {cmsgpack.pack({q, id, 'image', now}), ARGV[2],
                         cmsgpack.pack({priority = tag})})
local urgency = arrival - args.priority * 2 ^ 40
call('HSET', job_key(id), 'state', 'queued', 'model', model, 'tenant', tenant, 'images', args.images,
     'pixels', args.pixels, 'priority', args.priority, 'urgency', urgency, 'tag', tag,
     'place', call('ZSCORE', q .. 'prioritized', id), 'submitted', now, 'asynchronous', args.asynchronous,
     'job', ARGV[2])
call('ZADD', urgent_key(model, tenant), urgency, id)
call('ZADD', base .. 'of:' .. tenant, arrival, id)
count_waiting(id, 1)
if args.deadline_ms then
  call('HSET', job_key(id), 'deadline', now + args.deadline_ms, 'deadline_ms', args.deadline_ms)
  call('ZADD', base .. 'deadlines', now + args.deadline_ms, id)
end
if once then
  call('SET', once, args.digest .. ' ' .. id, 'PX', args.once_ms)
  call('HSET', job_key(id), 'once', once)
end
wait_for(id)
tell(id, event('queued', {position = position(q, id)}))
return {'new', id}
