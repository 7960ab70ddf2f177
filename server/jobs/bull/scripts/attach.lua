-- A waiter more.
-- args: id, waiter
-- reads: job:<id>; writes: waiters:<id>, hangups
-- answers: 1 when the job is known, else 0
local job = call('HMGET', job_key(args.id), 'state', 'ended')
if job[1] and not job[2] then
  call('SADD', base .. 'waiters:' .. args.id, args.waiter)
  call('ZREM', base .. 'hangups', args.id)
end
return job[1] and 1 or 0
