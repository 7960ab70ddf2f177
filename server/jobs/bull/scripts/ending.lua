-- Shared by the scripts that end jobs. Needs BullMQ's moveToFinished.

local function finish_in_bull(q, id, token, target, value)
  local keys = bull_keys(q, {'wait', 'active', 'prioritized', 'events', 'stalled', 'limiter', 'delayed', 'paused',
                             'meta', 'pc', target, id, 'metrics:' .. target, 'marker'})
  local opts = {token = token, keepJobs = {count = -1}, attempts = 1, maxMetricsSize = ''}
  local property = target == 'completed' and 'returnvalue' or 'failedReason'
  return moveToFinished(keys, {id, now, property, value, target, '', q, cmsgpack.pack(opts)})
end

-- What is ours at an end: counters, the job's record, its log and the end of its life. token says who ended it.
local function settle(id, was, model, tenant, images, state, field, value, text, token)
  if was == 'queued' then
    count_waiting(id, -1)
    call('ZREM', base .. 'deadlines', id)
    call('ZREM', urgent_key(model, tenant), id)
  else
    count_running(images, -1)
  end
  count_under_way(call('HGET', job_key(id), 'key'), images, -1)
  call('HSET', job_key(id), 'state', state, 'ended', now, 'ended_by', token, field, value)
  call('HDEL', job_key(id), 'token')
  call('DEL', base .. 'waiters:' .. id)
  call('ZREM', base .. 'hangups', id)
  call('ZADD', base .. 'ended', now, id .. ' ' .. model .. ' ' .. tenant)
  tell(id, text)
  for _, key in ipairs({job_key(id), base .. 'ev:' .. id, queue_of(model) .. id}) do
    call('PEXPIRE', key, @LIFE_MS@)
  end
end

-- The states in which jobs were ended by this call.
local ends = {}

-- End a job without its worker: cancelled, expired or dead. A job that waits is first made active, since BullMQ
-- ends active jobs only.
local function force_end(id, state, why)
  local job = call('HMGET', job_key(id), 'state', 'model', 'tenant', 'images')
  local q, token = queue_of(job[2]), 'h2serve'
  if job[1] == 'queued' then
    call('LREM', q .. 'wait', 1, id)
    call('ZREM', q .. 'prioritized', id)
    call('LPUSH', q .. 'active', id)
  end
  call('SET', q .. id .. ':lock', token, 'PX', 60000)
  finish_in_bull(q, id, token, 'failed', why)
  settle(id, job[1], job[2], job[3], job[4], state, 'error', why, event('ended', {state = state, error = why}), token)
  ends[#ends + 1] = state
end
