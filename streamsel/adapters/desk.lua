#!lua
-- The review desk: every state change of a query is one call of this script.
--
-- States and moves are those of review/lifecycle.py. Needs Redis 7 or Valkey; runs with no flags, so that a
-- store that is out of memory refuses a call before it has changed anything. Times are whole microseconds of
-- the store's clock, the only one that counts.
--
-- KEYS, all under one hash tag so that they share a cluster slot
--   1  query:             put before a query id: HASH, the query. Kept `retain` after it is finished.
--        payload            the query as encoded by the selector
--        state queue lane   where it is; which queue it waits in; why it was asked
--        offered priority   when it was offered; its score in the queue, the lowest first
--        fence holder       the newest claim's number and reviewer; holder is '' once given up
--        claimed lapses     when it was last claimed; leases that lapsed
--        label key took     being recorded: label, idempotency key and time from claim to label
--        label by offset    answered: label, reviewer and offset in the label log
--        reason             why it was escalated, expired or dead
--        opinion:<reviewer> a label that came too late to count
--   2  waiting:default    ZSET, query ids by priority; also the channel on which new work is told
--   3  waiting:escalated  ZSET, likewise
--   4  since:default      ZSET, the same query ids by when they began to wait
--   5  since:escalated    ZSET, likewise
--   6  leases             ZSET, leased query ids by the end of the lease
--   7  recordings         ZSET, query ids being recorded by when the recording lapses
--   8  reviewers          ZSET, reviewers by when they were last seen
--   9  selectors          HASH, selector to '<time> <events a second>'
--  10  desk               HASH, the desk as a whole
--        waiting:<lane> leased:<lane>   queries by lane; those being recorded count as leased
--        expired dead                   queries lost so, ever
--        rate rate_at                   completions a second, and when that was computed
--        review reviews                 mean time from claim to label; how many went into it
--        settled                        the label-log offset up to which answers are known
--
-- ARGV
--   1 operation · 2 lease · 3 expire · 4 recording · 5 attempts · 6 retain · 7 window · 8… arguments
--
-- Operations, their arguments, and what they return
--   offer     (id, lane, head start, payload)…         how many were new
--   claim     reviewer, queue, count                   lease end, (payload, fence, attempt)…
--   extend    id, fence, reviewer                      lease end, payload, fence, attempt, queue
--   release   id, fence, reviewer                      1
--   escalate  id, fence, reviewer, reason              1
--   begin     id, fence, reviewer, label, key          'recording', payload, time since claim, repeated
--                                                      or 'answered', label, by, offset
--   abort     id, fence, reviewer                      1
--   settle    position, (id, label, by, offset)…       (id, label, by, offset)… that stand
--   settled                                            settled position, time
--   sweep     log settled at                           how many moved
--   status                                             desk (as pairs), live reviewers, completion rate, and of
--                                                      each queue: how many wait, and the oldest's age
--   report    selector, events a second                the same and: events a second of all, selectors
-- Those that name one query return 'unknown', or 'superseded' and its state, where they refuse.

local QUERY, LEASES, RECORDINGS = KEYS[1], KEYS[6], KEYS[7]
local REVIEWERS, SELECTORS, DESK = KEYS[8], KEYS[9], KEYS[10]
local WAITING = {default = KEYS[2], escalated = KEYS[3]}
local SINCE = {default = KEYS[4], escalated = KEYS[5]}

local LEASE, EXPIRE, RECORDING = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local ATTEMPTS, RETAIN, WINDOW = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local FIRST = 8

local MOST_MOVES = 64 -- by one sweep, so that no call holds the store for long
local SILENT = 5000000 -- a selector that has not reported for so long is gone
local MEAN_OVER = 20 -- reviews, in the smoothed mean

local call = redis.call

-- The one place that reads the clock.
local function now()
  local time = call('TIME')
  return time[1] * 1000000 + time[2]
end

local at = now()

-- Numbers beyond 2^46 lose digits when Lua makes text of them by itself.
local function digits(number)
  return string.format('%.0f', number)
end

local function load(id, ...)
  return unpack(call('HMGET', QUERY .. id, ...))
end

---------------------------------------------------------------------------------------------------------------
-- Into and out of the open states. What a query's state says, the sorted sets and the counts say as well.

local told = {}

local function start_waiting(id, queue, lane, priority)
  call('ZADD', WAITING[queue], priority, id)
  call('ZADD', SINCE[queue], at, id)
  call('HINCRBY', DESK, 'waiting:' .. lane, 1)
  if not told[queue] then
    call('PUBLISH', WAITING[queue], '')
    told[queue] = true
  end
end

local function stop_waiting(id, queue, lane)
  call('ZREM', WAITING[queue], id)
  call('ZREM', SINCE[queue], id)
  call('HINCRBY', DESK, 'waiting:' .. lane, -1)
end

-- `hands` is LEASES or RECORDINGS.
local function take_in_hand(hands, id, lane, deadline)
  call('ZADD', hands, deadline, id)
  call('HINCRBY', DESK, 'leased:' .. lane, 1)
end

local function leave_hand(hands, id, lane)
  call('ZREM', hands, id)
  call('HINCRBY', DESK, 'leased:' .. lane, -1)
end

local function finish(id, state, ...)
  call('HSET', QUERY .. id, 'state', state, ...)
  call('PEXPIRE', QUERY .. id, math.ceil(RETAIN / 1000))
end

local function seen(reviewer)
  call('ZADD', REVIEWERS, at, reviewer)
end

---------------------------------------------------------------------------------------------------------------
-- The pace of the reviewers

-- Completions a second, forgetting with time constant WINDOW / 2: the mean age of what is counted, and the
-- spread of the estimate, are those of a plain count over WINDOW.
local function completion_rate()
  local rate, computed_at = unpack(call('HMGET', DESK, 'rate', 'rate_at'))
  return rate and rate * math.exp((computed_at - at) / (WINDOW / 2)) or 0
end

local function count_completion(took)
  call('HSET', DESK, 'rate', completion_rate() + 2000000 / WINDOW, 'rate_at', at)
  if took then
    local reviews = call('HINCRBY', DESK, 'reviews', 1)
    local mean = tonumber(call('HGET', DESK, 'review') or took)
    call('HSET', DESK, 'review', mean + (took - mean) / math.min(reviews, MEAN_OVER))
  end
end

---------------------------------------------------------------------------------------------------------------
-- Time passing

local function lapse_lease(id)
  local lane, queue, priority, lapses = load(id, 'lane', 'queue', 'priority', 'lapses')
  leave_hand(LEASES, id, lane)
  lapses = (lapses or 0) + 1
  if lapses < ATTEMPTS then
    call('HSET', QUERY .. id, 'state', 'waiting', 'lapses', lapses)
    start_waiting(id, queue, lane, priority)
  else
    call('HINCRBY', DESK, 'dead', 1)
    finish(id, 'dead', 'lapses', lapses, 'reason', lapses .. ' leases lapsed without an answer')
  end
end

-- No fault of the reviewer's: not counted as an attempt.
local function lapse_recording(id)
  local lane, queue, priority = load(id, 'lane', 'queue', 'priority')
  leave_hand(RECORDINGS, id, lane)
  call('HSET', QUERY .. id, 'state', 'waiting')
  start_waiting(id, queue, lane, priority)
end

local function expire(id)
  local lane, queue = load(id, 'lane', 'queue')
  stop_waiting(id, queue, lane)
  call('HINCRBY', DESK, 'expired', 1)
  finish(id, 'expired', 'reason', string.format('unclaimed for %g seconds', EXPIRE / 1000000))
end

local function pass(set, deadline, moves_left, move)
  if moves_left == 0 then
    return 0
  end
  local passed = call('ZRANGEBYSCORE', set, '-inf', deadline, 'LIMIT', 0, moves_left)
  for _, id in ipairs(passed) do
    move(id)
  end
  return #passed
end

local function sweep(log_settled_at)
  local moved = pass(LEASES, at, MOST_MOVES, lapse_lease)
  moved = moved + pass(RECORDINGS, math.min(at, log_settled_at), MOST_MOVES - moved, lapse_recording)
  moved = moved + pass(SINCE.default, at - EXPIRE, MOST_MOVES - moved, expire)
  return moved + pass(SINCE.escalated, at - EXPIRE, MOST_MOVES - moved, expire)
end

---------------------------------------------------------------------------------------------------------------
-- The desk at a glance

local function oldest(queue)
  local began = call('ZRANGE', SINCE[queue], 0, 0, 'WITHSCORES')[2]
  return began and at - began or 0
end

local function facts()
  call('ZREMRANGEBYSCORE', REVIEWERS, '-inf', at - WINDOW)
  return {
    call('HGETALL', DESK), call('ZCARD', REVIEWERS), tostring(completion_rate()),
    call('ZCARD', WAITING.default), oldest('default'), call('ZCARD', WAITING.escalated), oldest('escalated'),
  }
end

---------------------------------------------------------------------------------------------------------------
-- The operations

local operation = {}

function operation.offer()
  local added = 0
  for i = FIRST, #ARGV, 4 do
    local id, lane, head_start, payload = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    if call('EXISTS', QUERY .. id) == 0 then
      local priority = at - head_start
      call('HSET', QUERY .. id, 'payload', payload, 'state', 'waiting', 'queue', 'default', 'lane', lane,
        'offered', at, 'priority', priority)
      start_waiting(id, 'default', lane, priority)
      added = added + 1
    end
  end
  return added
end

function operation.claim(reviewer, queue, count)
  -- A recording never lapses here: only a desk that follows the log may say that its label is not there.
  sweep(0)
  seen(reviewer)
  local lease_end = at + LEASE
  local claims = {lease_end}
  for _, id in ipairs(call('ZRANGE', WAITING[queue], 0, count - 1)) do
    local payload, lane, fence, lapses, label = load(id, 'payload', 'lane', 'fence', 'lapses', 'label')
    -- Follows the clock, so that fences grow even over the loss of the store's data.
    fence = math.max((fence or 0) + 1, at)
    call('HSET', QUERY .. id, 'state', 'leased', 'fence', fence, 'holder', reviewer, 'claimed', at)
    if label then
      call('HDEL', QUERY .. id, 'label', 'key', 'took')
    end
    stop_waiting(id, queue, lane)
    take_in_hand(LEASES, id, lane, lease_end)
    claims[#claims + 1] = payload
    claims[#claims + 1] = fence
    claims[#claims + 1] = (lapses or 0) + 1
  end
  return claims
end

function operation.extend(id, fence, reviewer)
  local state, newest, holder = load(id, 'state', 'fence', 'holder')
  if not state then
    return {'unknown'}
  end
  if state ~= 'leased' or newest ~= fence or holder ~= reviewer then
    return {'superseded', state}
  end
  seen(reviewer)
  local lease_end = at + LEASE
  call('ZADD', LEASES, lease_end, id)
  local payload, lapses, queue = load(id, 'payload', 'lapses', 'queue')
  return {lease_end, payload, tonumber(fence), (lapses or 0) + 1, queue}
end

-- Gives a claim up, into `target` or the queue it came from.
local function give_up(id, fence, reviewer, target, ...)
  local state, newest, holder, queue, lane, priority =
    load(id, 'state', 'fence', 'holder', 'queue', 'lane', 'priority')
  if not state then
    return {'unknown'}
  end
  target = target or queue
  if state == 'waiting' and newest == fence and holder == '' and queue == target then
    return 1 -- a repetition
  end
  if state ~= 'leased' or newest ~= fence or holder ~= reviewer then
    return {'superseded', state}
  end
  seen(reviewer)
  leave_hand(LEASES, id, lane)
  call('HSET', QUERY .. id, 'state', 'waiting', 'holder', '', 'queue', target, ...)
  start_waiting(id, target, lane, priority)
  return 1
end

function operation.release(id, fence, reviewer)
  return give_up(id, fence, reviewer)
end

function operation.escalate(id, fence, reviewer, reason)
  return give_up(id, fence, reviewer, 'escalated', 'reason', reason)
end

function operation.begin(id, fence, reviewer, label, key)
  local state, newest, holder, recorded, recorded_key, by, offset =
    load(id, 'state', 'fence', 'holder', 'label', 'key', 'by', 'offset')
  if not state then
    return {'unknown'}
  end
  seen(reviewer)
  if state == 'labelled' and label == recorded and (reviewer == by or key == recorded_key) then
    return {'answered', label, by, offset}
  end
  local again = state == 'recording' and label == recorded
  if newest ~= fence or holder ~= reviewer or not (state == 'leased' or state == 'waiting' or again) then
    if tonumber(fence) <= tonumber(newest or 0) then -- a fence that was never given has no opinion
      call('HSET', QUERY .. id, 'opinion:' .. reviewer, label)
    end
    return {'superseded', state}
  end
  local payload, queue, lane, claimed = load(id, 'payload', 'queue', 'lane', 'claimed')
  if state == 'leased' then
    leave_hand(LEASES, id, lane)
    -- How long a review takes is learned from leases that did not lapse.
    call('HSET', QUERY .. id, 'took', at - claimed)
  elseif state == 'waiting' then
    stop_waiting(id, queue, lane)
  else
    leave_hand(RECORDINGS, id, lane)
  end
  take_in_hand(RECORDINGS, id, lane, at + RECORDING)
  call('HSET', QUERY .. id, 'state', 'recording', 'label', label, 'key', key)
  -- Begun before: still recording, or lapsed from it.
  return {'recording', payload, at - claimed, label == recorded and 1 or 0}
end

function operation.abort(id, fence, reviewer)
  local state, newest, holder, lane = load(id, 'state', 'fence', 'holder', 'lane')
  if not state then
    return {'unknown'}
  end
  local ours = newest == fence and holder == reviewer
  if state == 'leased' and ours then
    return 1 -- a repetition
  end
  if state ~= 'recording' or not ours then
    return {'superseded', state}
  end
  leave_hand(RECORDINGS, id, lane)
  take_in_hand(LEASES, id, lane, at + LEASE)
  call('HSET', QUERY .. id, 'state', 'leased')
  call('HDEL', QUERY .. id, 'label', 'key', 'took')
  return 1
end

function operation.settle(position)
  local standing = {}
  for i = FIRST + 1, #ARGV, 4 do
    local id, label, by, offset = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    local state, lane, queue, holder, recorded, recorded_by, recorded_offset, took =
      load(id, 'state', 'lane', 'queue', 'holder', 'label', 'by', 'offset', 'took')
    if state then
      if state == 'labelled' and tonumber(recorded_offset) <= tonumber(offset) then
        label, by, offset = recorded, recorded_by, recorded_offset
      else
        if state == 'waiting' then
          stop_waiting(id, queue, lane)
        elseif state == 'leased' or state == 'recording' then
          leave_hand(state == 'leased' and LEASES or RECORDINGS, id, lane)
          count_completion(took)
        end
        if recorded ~= label or holder ~= by then
          call('HDEL', QUERY .. id, 'key') -- of a label that is not the answer
        end
        finish(id, 'labelled', 'label', label, 'by', by, 'offset', offset)
      end
      for _, part in ipairs({id, label, by, offset}) do
        standing[#standing + 1] = part
      end
    end
  end
  if tonumber(position) > tonumber(call('HGET', DESK, 'settled') or 0) then
    call('HSET', DESK, 'settled', position)
  end
  return standing
end

function operation.settled()
  return {tonumber(call('HGET', DESK, 'settled') or 0), at}
end

function operation.sweep(log_settled_at)
  return sweep(tonumber(log_settled_at))
end

function operation.status()
  return facts()
end

function operation.report(selector, events_per_second)
  call('HSET', SELECTORS, selector, digits(at) .. ' ' .. events_per_second)
  local total, live = 0, 0
  local reports = call('HGETALL', SELECTORS)
  for i = 1, #reports, 2 do
    local reported_at, rate = reports[i + 1]:match('(%S+) (%S+)')
    if at - reported_at > SILENT then
      call('HDEL', SELECTORS, reports[i])
    else
      total, live = total + rate, live + 1
    end
  end
  local all = facts()
  all[8], all[9] = tostring(total), live
  return all
end

return operation[ARGV[1]](ARGV[FIRST], ARGV[FIRST + 1], ARGV[FIRST + 2], ARGV[FIRST + 3], ARGV[FIRST + 4])
