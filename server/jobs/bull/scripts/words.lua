-- What a client is told: server/jobs/words.py.
local function expired_words(deadline_ms)
  return (string.gsub('@EXPIRED@', '#', deadline_ms))
end
