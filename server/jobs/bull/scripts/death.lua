-- Shared by the scripts that learn of a job's lost worker; the job is in BullMQ's active, without a lock.

-- server.jobs.redelivery
local function died(id, words)
  local deaths = call('HINCRBY', job_key(id), 'deaths', 1)
  local alone = call('HGET', job_key(id), 'alone') == '1'
  call('HSET', job_key(id), 'returned', 1)
  if deaths >= @MOST_DEATHS@ and alone then
    force_end(id, 'dead', words)
  else
    wait_again(id, true)
  end
end
