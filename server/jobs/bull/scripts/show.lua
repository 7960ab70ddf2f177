-- What is known of some jobs: those of ids, or a page of a tenant's, newest first.
-- args: ids, or tenant, limit and after (a job id or nil)
-- reads: job:<id>, of:<tenant>, BullMQ's wait and prioritized
-- answers: a list of {id, position or -1, the record's fields and values}
local ids = args.ids
if not ids then
  local last = args.after and call('ZSCORE', base .. 'of:' .. args.tenant, args.after)
  local below = last and '(' .. last or '+inf'
  ids = call('ZREVRANGEBYSCORE', base .. 'of:' .. args.tenant, below, '-inf', 'LIMIT', 0, args.limit)
end
local found = {}
for _, id in ipairs(ids) do
  local job = call('HMGET', job_key(id), 'state', 'model')
  if job[1] then
    local place = job[1] == 'queued' and position(queue_of(job[2]), id) or -1
    found[#found + 1] = {id, place, call('HGETALL', job_key(id))}
  end
end
return found
