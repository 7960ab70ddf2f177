-- Counts a finished job under its pair; a pair that is new to a full list takes the place of the least asked for.
-- reads and writes: ranks, pair:<pair>, other, since
-- ARGV: the pair, how many are listed, then field and amount by turns
local base, pair, listed = KEYS[1], ARGV[1], tonumber(ARGV[2])
redis.call('SETNX', base .. 'since', redis.call('TIME')[1])
local rank = redis.call('ZSCORE', base .. 'ranks', pair)
if not rank then
  rank = 0
  if redis.call('ZCARD', base .. 'ranks') >= listed then
    local least = redis.call('ZRANGE', base .. 'ranks', 0, 0, 'WITHSCORES')
    local sums = redis.call('HGETALL', base .. 'pair:' .. least[1])
    for i = 1, #sums, 2 do
      redis.call('HINCRBYFLOAT', base .. 'other', sums[i], sums[i + 1])
    end
    redis.call('DEL', base .. 'pair:' .. least[1])
    redis.call('ZREM', base .. 'ranks', least[1])
    rank = least[2]
  end
end
redis.call('ZADD', base .. 'ranks', rank + 1, pair)
for i = 3, #ARGV, 2 do
  redis.call('HINCRBYFLOAT', base .. 'pair:' .. pair, ARGV[i], ARGV[i + 1])
end
