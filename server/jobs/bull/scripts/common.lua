-- Shared by all scripts.
-- KEYS[1] is the base of all keys, with the one hash tag: every other key is made of it, as BullMQ's own scripts
-- make the keys of their jobs. ARGV[1] is a map, packed with msgpack: the script's arguments.
-- Time is Redis' own.
local base, args = KEYS[1], cmsgpack.unpack(ARGV[1])
local call = redis.call
local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function job_key(id)
  return base .. 'job:' .. id
end

-- The base of the keys of a model's BullMQ queue.
local function queue_of(model)
  return base .. 'q:' .. model .. ':'
end

-- Jobs of one tenant, the most urgent and oldest first.
local function urgent_key(model, tenant)
  return base .. 'urgent:' .. model .. ':' .. tenant
end

local function bull_keys(q, names)
  local keys = {}
  for i, name in ipairs(names) do
    keys[i] = q .. name
  end
  return keys
end

local function event(kind, body)
  return '{"v":@VERSION@,"kind":"' .. kind .. '","body":' .. cjson.encode(body) .. '}'
end

-- Append to the job's log, and tell those who listen that there is something to read.
local function tell(id, text)
  call('XADD', base .. 'ev:' .. id, 'MAXLEN', '~', @MOST_EVENTS@, '*', 'e', text)
  call('PUBLISH', base .. 'told', id)
end

-- Images and jobs that wait: of all and at its priority (depth, at:<priority>), and of its tenant (waiting). sign
-- is 1 or -1.
local function count_waiting(id, sign)
  local job = call('HMGET', job_key(id), 'tenant', 'images', 'priority', 'submitted')
  call('HINCRBY', base .. 'depth', 'waiting', sign * job[2])
  call('HINCRBY', base .. 'depth', 'jobs', sign)
  call('HINCRBY', base .. 'depth', job[3], sign * job[2])
  if sign > 0 then
    call('ZADD', base .. 'at:' .. job[3], job[4], id)
  else
    call('ZREM', base .. 'at:' .. job[3], id)
  end
  if call('HINCRBY', base .. 'waiting', job[1], sign * job[2]) <= 0 then
    call('HDEL', base .. 'waiting', job[1])
  end
end

local function count_running(images, sign)
  call('HINCRBY', base .. 'depth', 'running', sign * images)
end

-- Images that wait or run of an API key; a job without one is not counted.
local function count_under_way(key, images, sign)
  if key and call('HINCRBY', base .. 'under_way', key, sign * images) <= 0 then
    call('HDEL', base .. 'under_way', key)
  end
end

-- How many jobs are before it, by its own place.
local function position(q, id)
  local rank = call('ZRANK', q .. 'prioritized', id)
  if rank then
    return call('LLEN', q .. 'wait') + rank
  end
  local waiting = call('LRANGE', q .. 'wait', 0, -1)
  for i = #waiting, 1, -1 do
    if waiting[i] == id then
      return #waiting - i
    end
  end
  return 0
end
