-- All there is, as of one moment.
-- reads: ranks, pair:<pair>, other, since
-- answers: {since, {field, sum by turns of other}, {pair, {field, sum by turns}} of each listed pair}
local base, pairs_ = KEYS[1], {}
for _, pair in ipairs(redis.call('ZRANGE', base .. 'ranks', 0, -1)) do
  pairs_[#pairs_ + 1] = {pair, redis.call('HGETALL', base .. 'pair:' .. pair)}
end
local since = redis.call('GET', base .. 'since') or redis.call('TIME')[1]
return {since, redis.call('HGETALL', base .. 'other'), pairs_}
