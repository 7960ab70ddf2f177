-- Shared by the scripts that drop ended jobs. entry is a member of ended: id, model and tenant.
local function forget(entry)
  local id, model, tenant = string.match(entry, '^(%S+) (%S+) (.*)$')
  local q = queue_of(model)
  call('DEL', job_key(id), base .. 'ev:' .. id, q .. id)
  call('ZREM', q .. 'completed', id)
  call('ZREM', q .. 'failed', id)
  call('ZREM', base .. 'of:' .. tenant, id)
  call('ZREM', base .. 'ended', entry)
end
