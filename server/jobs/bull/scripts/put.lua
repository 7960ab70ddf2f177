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

enter(args, ARGV[2], once)
wait_for(id)
tell(id, event('queued', {position = position(queue_of(model), id)}))
return {'new', id}
