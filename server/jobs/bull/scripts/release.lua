-- Hand a job back, as if it had not been taken, or as if its worker had died.
-- args: id, model, token, died, dead (words)
-- reads: BullMQ's lock, job:<id>; writes: BullMQ's active, wait, prioritized, stalled, and what wait_again and
--   force_end write
-- answers: {1 when this token released the job, now or before, else 0, states of what it ended}
local q = queue_of(args.model)
local job = call('HMGET', job_key(args.id), 'returned', 'released_by')
if job[2] == args.token then
  return {1, ends}
end
if args.died then
  local lock = q .. args.id .. ':lock'
  if call('GET', lock) ~= args.token then
    return {0, ends}
  end
  call('DEL', lock)
  call('SREM', q .. 'stalled', args.id)
  call('HSET', job_key(args.id), 'released_by', args.token)
  died(args.id, args.dead)
  return {1, ends}
end
local keys = bull_keys(q, {'active', 'wait', 'stalled', 'paused', 'meta', 'limiter', 'prioritized', 'marker',
                           'events'})
if moveJobFromActiveToWait(keys, {args.id, args.token, q .. args.id}) < 0 then
  return {0, ends}
end
call('HINCRBY', job_key(args.id), 'attempts', -1)
call('HSET', job_key(args.id), 'released_by', args.token)
wait_again(args.id, job[1] == '1')
return {1, ends}
