-- Give dead jobs a new life: the same ids and payloads, at the end of the line, without a deadline.
-- reads: ended, job:<id>, BullMQ's job; writes: what forget and enter write, and ev:<id>
-- answers: the ids
local retried = {}
for _, entry in ipairs(call('ZRANGE', base .. 'ended', 0, -1)) do
  local id = string.match(entry, '^(%S+)')
  local job = call('HMGET', job_key(id), 'state', 'model', 'tenant', 'images', 'pixels', 'priority', 'share',
                   'asynchronous', 'key')
  local payload = job[1] == 'dead' and call('HGET', queue_of(job[2]) .. id, 'data')
  if payload then
    forget(entry)
    enter({id = id, model = job[2], tenant = job[3], images = job[4], pixels = job[5], priority = job[6],
           share = tonumber(job[7]), asynchronous = job[8], key = job[9]}, payload)
    tell(id, event('queued', {position = position(queue_of(job[2]), id)}))
    retried[#retried + 1] = id
  end
end
return retried
