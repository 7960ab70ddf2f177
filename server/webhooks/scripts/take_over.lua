-- Letters that nobody holds any more, held by the caller from now on. One past its life is forgotten.
-- KEYS: what all keys begin with
-- ARGV: ms for which they are held, how many at most
-- reads: letter:<id>; writes: held
-- answers: a list of {the job's id, the letter}
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local held, found = KEYS[1] .. 'held', {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', held, '-inf', now, 'LIMIT', 0, ARGV[2])) do
  local letter = redis.call('GET', KEYS[1] .. 'letter:' .. id)
  if letter then
    redis.call('ZADD', held, now + ARGV[1], id)
    found[#found + 1] = {id, letter}
  else
    redis.call('ZREM', held, id)
  end
end
return found
