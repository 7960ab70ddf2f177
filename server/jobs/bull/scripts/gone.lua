-- Shared by the scripts that answer which leases are no longer valid.
local function gone(ids)
  local lost, cancelled = {}, {}
  for _, id in ipairs(ids) do
    local list = call('HGET', job_key(id), 'state') == 'cancelled' and cancelled or lost
    list[#list + 1] = id
  end
  return {lost, cancelled}
end
