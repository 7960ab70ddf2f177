-- Submit: a known key or id is answered, a job over a bound refused, any other one kept and queued.
-- args: id, model, tenant, images, pixels, priority, share (cost / weight), deadline_ms, asynchronous, once (the
--   key's name), digest, once_ms, most, most_of_tenant, key, most_under_way, waiter. ARGV[2]: the job's payload.
-- reads: once:*, job:<id>, depth, waiting, under_way, fair:<model>
-- writes: the same, and seq, queues, BullMQ's prioritized, job and events, urgent:*, deadlines, of:<tenant>,
--   ev:<id>, waiters:<id>, hangups, at:<priority>
-- answers: {'new' | 'known' | 'conflict', id} or {'full', {which bound, images that it counts, images allowed}}
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
-- server.jobs.submit.Bounds
for _, bound in ipairs({{'images', 'depth', 'waiting', args.most}, {'tenant', 'waiting', tenant, args.most_of_tenant},
                        {'key', 'under_way', args.key, args.most_under_way}}) do
  local name, counter, field, allowed = unpack(bound, 1, 4)
  local counted = field and allowed and tonumber(call('HGET', base .. counter, field) or 0)
  if counted and counted + args.images > allowed then
    return {'full', {name, counted, allowed}}
  end
end

enter(args, ARGV[2], once)
wait_for(id)
tell(id, event('queued', {position = position(queue_of(model), id)}))
return {'new', id}
