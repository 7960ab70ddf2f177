-- Shared by the scripts that make a job. Needs BullMQ's addPrioritizedJob.

-- Give the job its place by fair share, put it into BullMQ's queue and make its record.
local function enter(job, payload, once)
  local id, model, tenant = job.id, job.model, job.tenant
  local q, fair = queue_of(model), base .. 'fair:' .. model
  call('SADD', base .. 'queues', model)
  call('HSETNX', q .. 'meta', 'opts.maxLenEvents', 1000)
  -- server.jobs.fair_share.next_tag
  local virtual_time = tonumber(call('HGET', fair, 'virtual_time') or 0)
  local last_tag = tonumber(call('HGET', fair, 'last:' .. tenant) or 0)
  local tag = math.max(virtual_time, last_tag) + job.share
  call('HSET', fair, 'last:' .. tenant, tag)
  local keys = bull_keys(q, {'marker', 'meta', 'id', 'prioritized', 'delayed', 'completed', 'active', 'events', 'pc'})
  addPrioritizedJob(keys, {cmsgpack.pack({q, id, 'image', now}), payload, cmsgpack.pack({priority = tag})})
  local arrival = call('INCR', base .. 'seq')
  local urgency = arrival - job.priority * 2 ^ 40
  call('HSET', job_key(id), 'state', 'queued', 'model', model, 'tenant', tenant, 'images', job.images,
       'pixels', job.pixels, 'priority', job.priority, 'share', job.share, 'urgency', urgency, 'tag', tag,
       'place', call('ZSCORE', q .. 'prioritized', id), 'submitted', now, 'asynchronous', job.asynchronous,
       'job', payload)
  call('ZADD', urgent_key(model, tenant), urgency, id)
  call('ZADD', base .. 'of:' .. tenant, arrival, id)
  count_waiting(id, 1)
  if job.key then
    call('HSET', job_key(id), 'key', job.key)
    count_under_way(job.key, job.images, 1)
  end
  if job.deadline_ms then
    call('HSET', job_key(id), 'deadline', now + job.deadline_ms, 'deadline_ms', job.deadline_ms)
    call('ZADD', base .. 'deadlines', now + job.deadline_ms, id)
  end
  if once then
    call('SET', once, job.digest .. ' ' .. id, 'PX', job.once_ms)
    call('HSET', job_key(id), 'once', once)
  end
end
