-- End a job under its lease: finished, failed, or dead when its payload cannot be read.
-- args: id, model, token, state, field (result or error), value. ARGV[2]: the terminal event.
-- reads: BullMQ's lock, job:<id>; writes: BullMQ's active, completed, failed and job, and what settle writes
-- answers: 1 when this token has ended the job so, 2 when it had before, else 0
local job = call('HMGET', job_key(args.id), 'state', 'tenant', 'images', 'ended_by')
local q, done = queue_of(args.model), args.state == 'finished'
if job[4] == args.token and job[1] == args.state then
  return 2
end
local value = done and '{"state":"finished"}' or args.value
if finish_in_bull(q, args.id, args.token, done and 'completed' or 'failed', value) ~= 0 then
  return 0
end
settle(args.id, job[1], args.model, job[2], job[3], args.state, args.field, args.value, ARGV[2], args.token)
return 1
