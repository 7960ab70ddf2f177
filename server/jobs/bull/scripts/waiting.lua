-- Shared by the scripts that put a job that was taken back among those that wait.

-- Jobs that came back go before all others, by their old places; the right end of the list is the front.
local function sort_front(q)
  local ids, place = call('LRANGE', q .. 'wait', 0, -1), {}
  for _, id in ipairs(ids) do
    place[id] = tonumber(call('HGET', job_key(id), 'place')) or 0
  end
  table.sort(ids, function(a, b) return place[a] > place[b] end)
  call('DEL', q .. 'wait')
  for _, id in ipairs(ids) do
    call('RPUSH', q .. 'wait', id)
  end
end

-- The job waits again, in BullMQ's list wait if it came back from a lost worker, else at its old place.
local function wait_again(id, returned)
  local job = call('HMGET', job_key(id), 'model', 'tenant', 'images', 'place', 'urgency', 'deadline')
  local q = queue_of(job[1])
  call('LREM', q .. 'active', 0, id)
  call('LREM', q .. 'wait', 0, id)
  if returned then
    call('ZREM', q .. 'prioritized', id)
    call('RPUSH', q .. 'wait', id)
    sort_front(q)
  else
    call('ZADD', q .. 'prioritized', job[4], id)
    call('ZADD', urgent_key(job[1], job[2]), job[5], id)
  end
  call('ZADD', q .. 'marker', 0, '0')
  if job[6] then
    call('ZADD', base .. 'deadlines', job[6], id)
  end
  call('HSET', job_key(id), 'state', 'queued')
  call('HDEL', job_key(id), 'token', 'worker', 'alone')
  count_running(job[3], -1)
  count_waiting(id, 1)
  tell(id, event('queued', {position = position(q, id)}))
end
