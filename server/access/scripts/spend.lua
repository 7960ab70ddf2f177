-- Spend from a bucket that fills at a rate up to a burst: server.access.token_bucket.
-- KEYS: the bucket; one that is not there is full
-- ARGV: rate a second, burst, cost, which is below 0 to give back
-- answers: seconds until the cost may be spent; 0: it was spent
local rate, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local kept = redis.call('HMGET', KEYS[1], 'level', 'at')
local passed = math.max(0, now - (kept[2] or now))
local level = math.min(burst, (kept[1] or burst) + rate * passed)
local wait = cost > 0 and math.max(0, math.min(cost, burst) - level) / rate or 0
if wait > 0 then
  return string.format('%.6f', wait)
end
level = math.min(burst, level - cost)
redis.call('HSET', KEYS[1], 'level', string.format('%.17g', level), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], 1 + math.ceil(1000 * (burst - level) / rate))
return '0'
