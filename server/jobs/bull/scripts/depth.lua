-- How much waits and runs.
-- reads: depth, at:<priority>
-- answers: {images waiting, images running, jobs waiting, {{priority, images, ms that the oldest has waited}}}
local at = {}
for priority = @LEAST_URGENT@, @MOST_URGENT@ do
  local oldest = call('ZRANGE', base .. 'at:' .. priority, 0, 0, 'WITHSCORES')[2]
  if oldest then
    at[#at + 1] = {priority, tonumber(call('HGET', base .. 'depth', priority)), now - oldest}
  end
end
local counted = call('HMGET', base .. 'depth', 'waiting', 'running', 'jobs')
return {tonumber(counted[1] or 0), tonumber(counted[2] or 0), tonumber(counted[3] or 0), at}
