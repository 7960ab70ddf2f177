-- Cancel a job that waits or runs.
-- args: id, why
-- reads: job:<id>; writes: what force_end writes
-- answers: {1 when the job is cancelled, now or before, else 0, states of what it ended}
local state = call('HGET', job_key(args.id), 'state')
if state == 'queued' or state == 'running' then
  force_end(args.id, 'cancelled', args.why)
  state = 'cancelled'
end
return {state == 'cancelled' and 1 or 0, ends}
