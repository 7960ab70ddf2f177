-- A waiter less. The last one to go cancels a synchronous job, at once or after a grace (server.jobs.hang_up).
-- args: id, waiter, grace_ms, why
-- answers: states of what it ended
-- reads: job:<id>; writes: waiters:<id>, hangups, and what force_end writes
local waiters = base .. 'waiters:' .. args.id
if call('SREM', waiters, args.waiter) == 0 or call('SCARD', waiters) > 0 then
  return ends
end
local job = call('HMGET', job_key(args.id), 'ended', 'asynchronous', 'once')
if job[1] or job[2] == '1' then
  return ends
end
if job[3] then
  call('ZADD', base .. 'hangups', now + args.grace_ms, args.id)
else
  force_end(args.id, 'cancelled', args.why)
end
return ends
