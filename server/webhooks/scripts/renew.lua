-- Hold letters on, those that are still there; for 0 ms: let them go.
-- KEYS: what all keys begin with
-- ARGV: ms for which they are held, then jobs' ids
-- writes: held
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
for i = 2, #ARGV do
  redis.call('ZADD', KEYS[1] .. 'held', 'XX', now + ARGV[1], ARGV[i])
end
