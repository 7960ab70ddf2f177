-- Keep a letter, held by the caller.
-- KEYS: what all keys begin with
-- ARGV: ms for which it is held, ms for which it is kept, the job's id, the letter
-- writes: held, letter:<id>
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('SET', KEYS[1] .. 'letter:' .. ARGV[3], ARGV[4], 'PX', ARGV[2])
redis.call('ZADD', KEYS[1] .. 'held', now + ARGV[1], ARGV[3])
