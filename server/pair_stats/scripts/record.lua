-- Counts a finished job under its pair; a pair that is new to a full list takes the place of the least asked for.
-- KEYS: what the keys of each list begin with: that of all jobs, and the tenant's
-- reads and writes: ranks, pair:<pair>, other, since
-- ARGV: the pair, how many are listed, seconds that an untouched key lives, then field and amount by turns
local pair, listed, life = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local now = redis.call('TIME')[1]

local function place(base)
  if redis.call('ZCARD', base .. 'ranks') < listed then
    return 0
  end
  local least = redis.call('ZRANGE', base .. 'ranks', 0, 0, 'WITHSCORES')
  local sums = redis.call('HGETALL', base .. 'pair:' .. least[1])
  for i = 1, #sums, 2 do
    redis.call('HINCRBYFLOAT', base .. 'other', sums[i], sums[i + 1])
  end
  redis.call('DEL', base .. 'pair:' .. least[1])
  redis.call('ZREM', base .. 'ranks', least[1])
  return least[2]
end

for _, base in ipairs(KEYS) do
  redis.call('SETNX', base .. 'since', now)
  local rank = redis.call('ZSCORE', base .. 'ranks', pair) or place(base)
  redis.call('ZADD', base .. 'ranks', rank + 1, pair)
  for i = 4, #ARGV, 2 do
    redis.call('HINCRBYFLOAT', base .. 'pair:' .. pair, ARGV[i], ARGV[i + 1])
  end
  for _, key in ipairs({'ranks', 'other', 'since', 'pair:' .. pair}) do
    redis.call('EXPIRE', base .. key, life)
  end
end
