-- Hand a job back, as if it had not been taken.
-- args: id, model, token
-- reads: BullMQ's lock, job:<id>; writes: BullMQ's active, wait, prioritized, and what wait_again writes
-- answers: 1 when this token released the job, now or before, else 0
local q = queue_of(args.model)
local job = call('HMGET', job_key(args.id), 'returned', 'released_by')
if job[2] == args.token then
  return 1
end
local keys = bull_keys(q, {'active', 'wait', 'stalled', 'paused', 'meta', 'limiter', 'prioritized', 'marker',
                           'events'})
if moveJobFromActiveToWait(keys, {args.id, args.token, q .. args.id}) < 0 then
  return 0
end
call('HINCRBY', job_key(args.id), 'attempts', -1)
call('HSET', job_key(args.id), 'released_by', args.token)
wait_again(args.id, job[1] == '1')
return 1
