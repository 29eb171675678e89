#!lua name=streamsel_desk
-- The review desk: every state change of a slot is one call of this script.
--
-- A function library of Redis 7 or Valkey: what a call needs is built once, when it is loaded, and not anew for
-- each call as for a script that is evaluated. Whoever loads it puts a digest of this text behind its name, so
-- that processes of several releases can share a store.
--
-- States and moves are those of review/lifecycle.py. Runs with no flags, so that a store that is out of memory
-- refuses a call before it has changed anything. Times are whole microseconds of the store's clock, the only
-- one that counts.
--
-- A slot is named by its query's id when it is the first, <query id>~2, ~3 … when it is another; the deciding
-- slot of a query with k is ~k+1. That of a question whose answer is known is <query id>~<reviewer>.
--
-- KEYS
--   1  what all keys begin with, a hash tag in it, so that they share a cluster slot. The keys are
--
--   query:<slot>          HASH, a slot; kept `retain` after its query is finished
--     state queue           where it is; which queue it waits in, absent: default
--     lane                  why it was asked, absent: uncertain
--     priority              its score in the queue, once it has left that: when it was offered, less its head
--                           start; the lowest goes first
--     due                   when it is to be answered, if its queue says
--     fence holder          the newest claim's number and reviewer; holder is '' once given up
--     ended                 how it was given up: release, escalate, skip, seize
--     claimed lapses        when it was last claimed; leases that lapsed
--     label key took        being recorded: label, idempotency key and time from claim to label
--     label by offset       answered: label, reviewer, and offset in the label log
--     answered              when that became known here
--     revision              of the answer or retraction that stands; with the offset of that
--     reopens               the reviewer who is undoing the answer
--     reason                why it was escalated, skipped, expired or dead
--     ... of the query, with its first slot:
--     payload               the query as encoded by the selector
--     slots                 how many opinions it is to get; absent: one answer, the label
--     sensitive             1, or absent
--     skips skipped:<reviewer>   how many skipped it; each one's reason
--     lost:<fence>          the reviewer whose claim ended so: given up, seized, or lapsed and claimed by another
--     opinion:<reviewer>    a label that came too late to count
--     ... of a question whose answer is known, which has no first slot: payload lane queue sensitive and
--     expected              the answer
--   waiting:<queue>       ZSET, slots by priority
--   since:<queue>         ZSET, the same slots by when they began to wait
--   due:<queue>           ZSET, open slots by when they are due
--   leases                ZSET, leased slots by the end of the lease
--   recordings            ZSET, slots being recorded by when the recording lapses
--   opined labelled expired dead   ZSET each, slots in that state by since when
--   complete              ZSET, queries whose opinions are to be resolved, by since when
--   disputed              ZSET, queries whose deciding slot is open, by since when
--   gold                  ZSET, questions whose answers are known, by a number that grows
--   reviewers             ZSET, reviewers by when they were last seen, to a second
--   reviewer:<name>       HASH
--     seen                  as in `reviewers`
--     held handed answered  claims in hand; claims handed out, and answers recorded, ever
--     run                   sensitive claims in a row
--     active working        when they last worked; since when without a rest
--     break                 when their break ends
--     paused                why they may not claim
--     asked                 the number in `gold` up to which they were asked all
--     from:<queue>          how many slots at the head of a long queue were no use to them
--   answers:<name>        LIST, slots last answered, the newest first
--   queues                SET, all queues that ever were configured
--   selectors             HASH, selector to '<time> <events a second>'
--   desk                  HASH, the desk as a whole
--     open:<lane>           slots by lane that wait, are leased or are being recorded
--     leased:<lane>         of these, all that do not wait
--     expired dead          slots lost so, ever
--     rate rate_at          completions a second, and when that was computed
--     review reviews        mean time from claim to label; how many went into it
--     settled               the label-log offset up to which answers are known; settled:<epoch> of another epoch
--   work                  the channel on which new work is told
--
-- ARGV
--   1 operation · 2 settings as JSON, named as in redis_desk.py · 3… arguments
--
-- Operations, their arguments, and what they return
--   adopt                                              how many it moved out of queues that are no longer there
--   offer     (id, lane, head start, payload, queue, slots, sensitive)…   how many were new
--   set_gold  (id, lane, payload, queue, sensitive, expected)…           1
--   drop_gold id…                                      1
--   claim     reviewer, count, queue…                  lease end, CLAIM…
--                                                      or 'paused', reason; or 'break', its end and the time
--   extend    id, fence, reviewer                      lease end, CLAIM
--   release   id, fence, reviewer                      1
--   skip      id, fence, reviewer, reason              1
--   escalate  id, fence, reviewer, reason              1
--   seize     id                                       reviewers it was taken from
--   begin     id, fence, reviewer, label, key          'recording', payload, time since claim, repeated, kind,
--                                                      revision, slot, slots, expected
--                                                      or 'answered', WORD; or 'late', state, payload
--   abort     id, fence, reviewer                      1
--   settle    position, WORD…                          the WORDs that stand
--   settled                                            settled position, time
--   forget    id…                                      how many queries there were
--   dispute   id                                       1
--   retract   id, revision, reviewer                   'undoing', label id, revision; or lease end, CLAIM
--                                                      or 'stale', revision; or 'fixed'
--   sweep     log settled at                           how many moved
--   pause     reviewer, reason                         1
--   resume    reviewer                                 1
--   view      reviewer, id…                            of each: nothing, or (slot, its HASH as pairs)…, the
--                                                      query's own first, and the deciding one last
--   members   set, score, member, count                (slot, score)… that follow the given one
--   oldest    complete, disputed or gold, count; 0: all   ids
--   answers   reviewer                                 (payload, time, WORD)…
--   reviewers                                          live since, (name, last seen, HASH as pairs)…
--   status                                             desk (as pairs), live reviewers, completion rate, complete,
--                                                      disputed, and of each queue in the order of the settings:
--                                                      how many wait, the oldest's age, how many are overdue
--   report    selector, events a second                the same; events a second of all; selectors
--
-- CLAIM is payload, queue, fence, attempt, due or '', sensitive. WORD is kind, query id, slot, label, by,
-- revision, offset; the kind is label, overlap, gold, late or retraction; the slot is '' for a label.
-- Those that name one query return 'unknown', or 'superseded' and a state, where they refuse.

-- Of the call under way; set by `enter`.
local call, ARGV, at, told
local SETTINGS, settings_text
local swept_at -- when a claim last swept; forgetting it costs one sweep, so that the store need not know
local PREFIX, QUERY, WAITING, SINCE, DUE, LEASES, RECORDINGS, SETS, COMPLETE, DISPUTED, GOLD
local REVIEWERS, REVIEWER, ANSWERS, KNOWN, SELECTORS, DESK, WORK

local FIRST = 3 -- argument of an operation
local MOST_MOVES = 64 -- by one sweep, so that no call holds the store for long
local MOST_PASSED = 64 -- slots of a queue that one look passes over, likewise
local SWEEP_EVERY = 50000 -- by claims
local SEEN_EVERY = 1000000 -- is noted that a reviewer is there
local SILENT = 5000000 -- a selector that has not reported for so long is gone
local MEAN_OVER = 20 -- reviews, in the smoothed mean
local UNDOABLE = 10 -- last answers of a reviewer

local function name_keys(prefix)
  PREFIX, swept_at = prefix, nil
  QUERY, WAITING, SINCE, DUE = prefix .. 'query:', prefix .. 'waiting:', prefix .. 'since:', prefix .. 'due:'
  LEASES, RECORDINGS = prefix .. 'leases', prefix .. 'recordings'
  SETS = {
    leased = LEASES, recording = RECORDINGS, opined = prefix .. 'opined', labelled = prefix .. 'labelled',
    expired = prefix .. 'expired', dead = prefix .. 'dead',
  }
  COMPLETE, DISPUTED, GOLD = prefix .. 'complete', prefix .. 'disputed', prefix .. 'gold'
  REVIEWERS, REVIEWER, ANSWERS = prefix .. 'reviewers', prefix .. 'reviewer:', prefix .. 'answers:'
  KNOWN, SELECTORS, DESK, WORK = prefix .. 'queues', prefix .. 'selectors', prefix .. 'desk', prefix .. 'work'
end

-- The one place that reads the clock.
local function now()
  local time = call('TIME')
  return time[1] * 1000000 + time[2]
end

local function enter(keys, arguments)
  call, ARGV, told = redis.call, arguments, false
  if PREFIX ~= keys[1] then
    name_keys(keys[1])
  end
  if settings_text ~= ARGV[2] then
    settings_text, SETTINGS = ARGV[2], cjson.decode(ARGV[2])
  end
  at = now()
end

-- Numbers beyond 2^46 lose digits when Lua makes text of them by itself.
local function digits(number)
  return string.format('%.0f', number)
end

local function load(id, ...)
  return unpack(call('HMGET', QUERY .. id, ...))
end

local function with_defaults(queue, lane, ...)
  return queue or 'default', lane or 'uncertain', ...
end

-- The queue and the lane of a slot, and the fields named.
local function load_with_place(id, ...)
  return with_defaults(load(id, 'queue', 'lane', ...))
end

local function append(list, ...)
  local count = #list
  for i = 1, select('#', ...) do
    list[count + i] = (select(i, ...))
  end
end

---------------------------------------------------------------------------------------------------------------
-- Slots and their queries

-- A slot's query, and what the slot is called in it: '1', '2' … or a reviewer.
local function query_of(id)
  local mark = string.find(id, '~', 1, true)
  if not mark then
    return id, '1'
  end
  return string.sub(id, 1, mark - 1), string.sub(id, mark + 1)
end

local function slot_of(query, number)
  return number == 1 and query or query .. '~' .. number
end

-- All slots there may be of a query, the deciding one last.
local function slots_of(query, slots)
  local ids = {query}
  if slots then
    for number = 2, slots + 1 do
      ids[number] = slot_of(query, number)
    end
  end
  return ids
end

-- The slot whose answer is the query's label.
local function deciding_of(query, slots)
  return slots and slot_of(query, slots + 1) or query
end

-- The slot that this reviewer holds or held by this fence; nil for an unknown query.
local function find(query, fence, reviewer)
  local state, slots, expected = load(query, 'state', 'slots', 'expected')
  if expected then
    local own = query .. '~' .. reviewer
    return call('EXISTS', QUERY .. own) == 1 and own or nil
  end
  if not state or not slots then
    return state and query
  end
  local theirs = query
  for _, id in ipairs(slots_of(query, slots)) do
    local newest, holder, by = load(id, 'fence', 'holder', 'by')
    if newest == fence then
      return id
    elseif reviewer == holder or reviewer == by then
      theirs = id
    end
  end
  return theirs
end

-- Follows the clock, so that fences grow even over the loss of the store's data.
local function fence_after(newest)
  return math.max(tonumber(newest or 0) + 1, at)
end

-- The newest fence of all slots of a query, and whether the reviewer has had another of them than `id`.
local function look_at_others(id, query, slots, reviewer)
  local newest, had = 0, false
  for _, other in ipairs(slots_of(query, slots)) do
    local fence, holder, by, state = load(other, 'fence', 'holder', 'by', 'state')
    newest = math.max(newest, tonumber(fence or 0))
    local open = state == 'waiting' or state == 'leased' or state == 'recording'
    had = had or other ~= id and (by == reviewer or open and holder == reviewer)
  end
  return newest, had
end

---------------------------------------------------------------------------------------------------------------
-- Into and out of the states. What a slot's state says, the sorted sets and the counts say as well.

-- Into a queue for the first time; its time to be answered begins.
local function place(id, queue)
  local sla = SETTINGS.queues[queue].sla
  if sla > 0 then
    call('ZADD', DUE .. queue, at + sla, id)
    call('HSET', QUERY .. id, 'due', at + sla)
  end
end

local function displace(id, queue)
  call('ZREM', DUE .. queue, id)
  call('HDEL', QUERY .. id, 'due', 'queue')
end

local function count_open(lane, by)
  call('HINCRBY', DESK, 'open:' .. lane, by)
end

local function count_in_hand(lane, holder, by)
  call('HINCRBY', DESK, 'leased:' .. lane, by)
  call('HINCRBY', REVIEWER .. holder, 'held', by)
end

local function start_waiting(id, queue, priority, ...)
  if not SETTINGS.queues[queue] then -- no longer
    displace(id, queue)
    queue = 'default'
  end
  call('HSET', QUERY .. id, 'state', 'waiting', ...)
  call('ZADD', WAITING .. queue, priority, id)
  call('ZADD', SINCE .. queue, at, id)
  if not told then
    call('PUBLISH', WORK, '')
    told = true
  end
end

-- Writes what a new slot is; what is usual is not written.
local function describe(id, queue, lane)
  if queue ~= 'default' then
    call('HSET', QUERY .. id, 'queue', queue)
  end
  if lane ~= 'uncertain' then
    call('HSET', QUERY .. id, 'lane', lane)
  end
end

-- Opens a new slot.
local function open(id, queue, lane, priority, ...)
  describe(id, queue, lane)
  count_open(lane, 1)
  start_waiting(id, queue, priority, ...)
  place(id, queue)
end

local function stop_waiting(id, queue)
  call('ZREM', WAITING .. queue, id)
  call('ZREM', SINCE .. queue, id)
end

-- Out of a state; `holder` had it, if it was in hand.
local function leave(id, state, queue, lane, holder)
  if state == 'waiting' then
    call('HSET', QUERY .. id, 'priority', call('ZSCORE', WAITING .. queue, id))
    stop_waiting(id, queue)
    return
  end
  call('ZREM', SETS[state], id)
  if state == 'leased' or state == 'recording' then
    count_in_hand(lane, holder, -1)
  end
end

-- `state` is leased or recording.
local function take_in_hand(id, state, lane, holder, deadline, ...)
  call('HSET', QUERY .. id, 'state', state, 'holder', holder, ...)
  call('ZADD', SETS[state], deadline, id)
  count_in_hand(lane, holder, 1)
end

local function remember(query, slots)
  for _, id in ipairs(slots_of(query, slots)) do
    call('PERSIST', QUERY .. id)
  end
end

local function forget(query, slots)
  for _, id in ipairs(slots_of(query, slots)) do
    call('PEXPIRE', QUERY .. id, math.ceil(SETTINGS.retain / 1000))
  end
end

-- What the end of a slot means for its query.
local function conclude(id)
  local query, name = query_of(id)
  local slots, expected = load(query, 'slots', 'expected')
  if expected then
    call('PEXPIRE', QUERY .. id, math.ceil(SETTINGS.retain / 1000))
    return
  end
  if slots then
    local opined, deciding = false, false
    for number, other in ipairs(slots_of(query, slots)) do
      local state = load(other, 'state')
      if state == 'waiting' or state == 'leased' or state == 'recording' then
        return
      end
      opined = opined or state == 'opined'
      deciding = number > tonumber(slots) and state
    end
    if opined and not deciding then
      remember(query, slots)
      call('ZADD', COMPLETE, 'NX', at, query)
      return
    end
    call('ZREM', COMPLETE, query)
    call('ZREM', DISPUTED, query)
  end
  forget(query, slots)
end

-- From any state, `from`, to one that is not open.
local function close(id, from, state, queue, lane, holder, ...)
  leave(id, from, queue, lane, holder)
  if from == 'waiting' or from == 'leased' or from == 'recording' then
    count_open(lane, -1)
  end
  call('HSET', QUERY .. id, 'state', state, ...)
  call('ZADD', SETS[state], at, id)
  call('ZREM', DUE .. queue, id)
  conclude(id)
end

---------------------------------------------------------------------------------------------------------------
-- The pace of the reviewers

local function seen(reviewer, last)
  if not last or math.abs(at - last) >= SEEN_EVERY then
    call('ZADD', REVIEWERS, at, reviewer)
    call('HSET', REVIEWER .. reviewer, 'seen', at)
  end
end

-- At work: what ends a rest.
local function active(reviewer)
  seen(reviewer, call('HGET', REVIEWER .. reviewer, 'seen'))
  call('HSET', REVIEWER .. reviewer, 'active', at)
end

-- Completions a second, forgetting with time constant `window` / 2: the mean age of what is counted, and the
-- spread of the estimate, are those of a plain count over `window`.
local function completion_rate()
  local rate, computed_at = unpack(call('HMGET', DESK, 'rate', 'rate_at'))
  return rate and rate * math.exp((computed_at - at) / (SETTINGS.window / 2)) or 0
end

local function count_completion(took)
  call('HSET', DESK, 'rate', completion_rate() + 2000000 / SETTINGS.window, 'rate_at', at)
  if took then
    local reviews = call('HINCRBY', DESK, 'reviews', 1)
    local mean = tonumber(call('HGET', DESK, 'review') or took)
    call('HSET', DESK, 'review', mean + (took - mean) / math.min(reviews, MEAN_OVER))
  end
end

local function count_answer(id, by)
  call('HINCRBY', REVIEWER .. by, 'answered', 1)
  call('LREM', ANSWERS .. by, 0, id)
  call('LPUSH', ANSWERS .. by, id)
  call('LTRIM', ANSWERS .. by, 0, UNDOABLE - 1)
  call('PEXPIRE', ANSWERS .. by, math.ceil(SETTINGS.retain / 1000))
end

---------------------------------------------------------------------------------------------------------------
-- Time passing

local function lapse_lease(id)
  local queue, lane, priority, lapses, holder = load_with_place(id, 'priority', 'lapses', 'holder')
  lapses = (lapses or 0) + 1
  if lapses < SETTINGS.attempts then
    leave(id, 'leased', queue, lane, holder)
    start_waiting(id, queue, priority, 'lapses', lapses)
  else
    call('HINCRBY', DESK, 'dead', 1)
    close(id, 'leased', 'dead', queue, lane, holder, 'lapses', lapses,
      'reason', lapses .. ' leases lapsed without an answer')
  end
end

-- No fault of the reviewer's: not counted as an attempt.
local function lapse_recording(id)
  local queue, lane, priority, holder = load_with_place(id, 'priority', 'holder')
  leave(id, 'recording', queue, lane, holder)
  start_waiting(id, queue, priority)
end

local function expire(id)
  local queue, lane = load_with_place(id)
  call('HINCRBY', DESK, 'expired', 1)
  close(id, 'waiting', 'expired', queue, lane, nil,
    'reason', string.format('unclaimed for %g seconds', SETTINGS.expire / 1000000))
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
  if log_settled_at > 0 then
    moved = moved + pass(RECORDINGS, math.min(at, log_settled_at), MOST_MOVES - moved, lapse_recording)
  end
  for _, queue in ipairs(SETTINGS.order) do
    moved = moved + pass(SINCE .. queue, at - SETTINGS.expire, MOST_MOVES - moved, expire)
  end
  return moved
end

-- A recording never lapses here: only a desk that follows the log may say that its label is not there.
local function sweep_sometimes()
  if not swept_at or math.abs(at - swept_at) >= SWEEP_EVERY then
    -- What one sweep has left is for the next call.
    swept_at = sweep(0) < MOST_MOVES and at or nil
  end
end

-- Takes out of the sets of closed slots those whose time to be remembered is over.
local function clear()
  for _, state in ipairs({'opined', 'labelled', 'expired', 'dead'}) do
    pass(SETS[state], at - SETTINGS.retain, MOST_MOVES, function(id)
      if call('EXISTS', QUERY .. id) == 1 then
        call('ZADD', SETS[state], at, id)
      else
        call('ZREM', SETS[state], id)
      end
    end)
  end
end

---------------------------------------------------------------------------------------------------------------
-- The desk at a glance

local function facts()
  local all = {
    call('HGETALL', DESK), call('ZCOUNT', REVIEWERS, '(' .. digits(at - SETTINGS.window), '+inf'),
    tostring(completion_rate()), call('ZCARD', COMPLETE), call('ZCARD', DISPUTED),
  }
  for _, queue in ipairs(SETTINGS.order) do
    local began = call('ZRANGE', SINCE .. queue, 0, 0, 'WITHSCORES')[2]
    append(all, call('ZCARD', WAITING .. queue), began and at - began or 0, call('ZCOUNT', DUE .. queue, '-inf', at))
  end
  return all
end

---------------------------------------------------------------------------------------------------------------
-- The operations: offers

local operation = {}

function operation.adopt()
  local moved = 0
  for _, queue in ipairs(call('SMEMBERS', KNOWN)) do
    if not SETTINGS.queues[queue] then
      moved = moved + pass(WAITING .. queue, '+inf', MOST_MOVES, function(id)
        leave(id, 'waiting', queue)
        start_waiting(id, queue, load(id, 'priority'))
      end)
    end
  end
  call('SADD', KNOWN, unpack(SETTINGS.order))
  return moved
end

function operation.offer()
  local added = 0
  for i = FIRST, #ARGV, 7 do
    local query, lane, head_start, payload, queue, slots, sensitive = unpack(ARGV, i, i + 6)
    if call('EXISTS', QUERY .. query) == 0 then
      local priority = at - head_start
      slots = tonumber(slots)
      call('HSET', QUERY .. query, 'payload', payload)
      if slots > 1 then
        call('HSET', QUERY .. query, 'slots', slots)
      end
      if sensitive == '1' then
        call('HSET', QUERY .. query, 'sensitive', 1)
      end
      for number = 1, slots do
        local id = slot_of(query, number)
        open(id, queue, lane, priority)
      end
      added = added + 1
    end
  end
  return added
end

function operation.set_gold()
  local last = tonumber(call('ZRANGE', GOLD, -1, -1, 'WITHSCORES')[2] or 0)
  for i = FIRST, #ARGV, 6 do
    local query, lane, payload, queue, sensitive, expected = unpack(ARGV, i, i + 5)
    if not load(query, 'state') then -- one that is being asked about in earnest stays what it is
      call('HDEL', QUERY .. query, 'queue', 'lane', 'sensitive')
      call('HSET', QUERY .. query, 'payload', payload, 'expected', expected)
      describe(query, queue, lane)
      if sensitive == '1' then
        call('HSET', QUERY .. query, 'sensitive', 1)
      end
      call('PERSIST', QUERY .. query)
      last = last + call('ZADD', GOLD, 'NX', last + 1, query)
    end
  end
  return 1
end

function operation.drop_gold()
  for i = FIRST, #ARGV do
    call('ZREM', GOLD, ARGV[i])
    forget(ARGV[i]) -- those who have been asked it may answer still
  end
  return 1
end

---------------------------------------------------------------------------------------------------------------
-- The operations: claims

-- Why this reviewer may not claim now, if so; else what is known of them, of which `hand_out` keeps account and
-- `operation.claim` writes it back.
local function shift_of(reviewer)
  local seen_at, paused, break_end, working, active_at, held, handed, run, asked = unpack(call('HMGET',
    REVIEWER .. reviewer, 'seen', 'paused', 'break', 'working', 'active', 'held', 'handed', 'run', 'asked'))
  seen(reviewer, seen_at)
  if paused then
    return {'paused', paused}
  end
  local rested = not active_at or at - active_at >= SETTINGS.rest
  if SETTINGS.work > 0 then
    if working and not rested and at - working >= SETTINGS.work then
      break_end = at + SETTINGS.rest
      call('HSET', REVIEWER .. reviewer, 'break', break_end, 'run', 0)
      call('HDEL', REVIEWER .. reviewer, 'working')
    end
    if break_end and at < tonumber(break_end) then
      return {'break', tonumber(break_end), at}
    end
  end
  return nil, {
    name = reviewer, held = tonumber(held or 0), handed = tonumber(handed or 0), asked = asked or 0,
    run = rested and 0 or tonumber(run or 0), working = not rested and working or at,
  }
end

-- The parts of a CLAIM.
local function claim_of(id, payload, sensitive)
  local queue, _, fence, lapses, due = load_with_place(id, 'fence', 'lapses', 'due')
  return payload, queue, tonumber(fence), (lapses or 0) + 1, due or '', sensitive or 0
end

-- Whether a sensitive query would be one too many in a row.
local function too_many(shift, sensitive)
  return sensitive and SETTINGS.sensitive > 0 and shift.run >= SETTINGS.sensitive
end

local function hand_out(shift, claims, id, lane, fence, priority, sensitive)
  call('HSET', QUERY .. id, 'state', 'leased', 'holder', shift.name, 'fence', fence, 'claimed', at,
    'priority', priority)
  call('ZADD', LEASES, claims[1], id)
  call('HINCRBY', DESK, 'leased:' .. lane, 1)
  shift.held, shift.handed, shift.run = shift.held + 1, shift.handed + 1, sensitive and shift.run + 1 or 0
end

-- Leases a waiting slot to the reviewer, if it is for them.
local function try(shift, id, priority, claims)
  local query, name = query_of(id)
  local skipped_by = 'skipped:' .. shift.name
  local queue, lane, newest, holder, label, lapses, due, payload, slots, sensitive, expected, skipped =
    load_with_place(id, 'fence', 'holder', 'label', 'lapses', 'due',
      'payload', 'slots', 'sensitive', 'expected', skipped_by)
  if id ~= query then -- what is said of the query is with its first slot
    payload, slots, sensitive, expected, skipped =
      load(query, 'payload', 'slots', 'sensitive', 'expected', skipped_by)
  end
  if skipped or too_many(shift, sensitive) or expected and name ~= shift.name then
    return false
  end
  local newest_of_all, had = newest, false
  if slots then
    newest_of_all, had = look_at_others(id, query, slots, shift.name)
  end
  if had then
    return false
  end
  if holder and holder ~= '' then
    call('HSET', QUERY .. query, 'lost:' .. newest, holder)
  end
  if label then
    call('HDEL', QUERY .. id, 'label', 'key', 'took')
  end
  stop_waiting(id, queue)
  local fence = fence_after(newest_of_all)
  hand_out(shift, claims, id, lane, fence, priority, sensitive)
  append(claims, payload, queue, fence, (lapses or 0) + 1, due or '', sensitive or 0)
  return true
end

-- At a share of the claims, drawn so that nobody sees them coming, asks what the answer is known of.
local function try_gold(shift, queues, claims)
  local drawn = redis.sha1hex(shift.name .. ' ' .. shift.handed)
  if tonumber(string.sub(drawn, 1, 8), 16) / 2 ^ 32 >= SETTINGS.gold then
    return false
  end
  local open = call('ZRANGEBYSCORE', GOLD, '(' .. shift.asked, '+inf', 'WITHSCORES', 'LIMIT', 0, MOST_PASSED)
  local all_before = true
  for i = 1, #open, 2 do
    local query = open[i]
    local id = query .. '~' .. shift.name
    local queue, lane, payload, sensitive = load_with_place(query, 'payload', 'sensitive')
    if call('EXISTS', QUERY .. id) == 1 then
      shift.asked = all_before and open[i + 1] or shift.asked
    elseif queues[queue] and not too_many(shift, sensitive) then
      describe(id, queue, lane)
      count_open(lane, 1)
      place(id, queue)
      hand_out(shift, claims, id, lane, at, at, sensitive)
      append(claims, claim_of(id, payload, sensitive))
      return true
    else
      all_before = false
    end
  end
  return false
end

-- A queue's waiting slots from some place on; what has been taken is no longer in it.
local function line(queue, from, wanted)
  return {queue = queue, from = from, passed = from, chunk = math.min(wanted, MOST_PASSED), head = 1, slots = {}}
end

-- The next slot of a line and its priority, as text, or nothing.
local function head_of(one)
  local left = one.from + MOST_PASSED - one.passed
  if one.head > #one.slots and left > 0 and not one.ended then
    local count = math.min(one.chunk, MOST_PASSED)
    one.slots = call('ZRANGE', WAITING .. one.queue, one.passed, one.passed + count - 1, 'WITHSCORES')
    one.head, one.chunk, one.ended = 1, one.chunk * 2, #one.slots < 2 * count
  end
  if left > 0 then
    return one.slots[one.head], one.slots[one.head + 1]
  end
end

-- Claims what comes first in all lines together; returns how many are still wanted.
local function look(shift, lines, queues, claims, wanted)
  while wanted > 0 do
    if SETTINGS.gold > 0 and try_gold(shift, queues, claims) then
      wanted = wanted - 1
    else
      local first, id, lowest
      for _, one in ipairs(lines) do
        local head, priority = head_of(one)
        if head and (not first or tonumber(priority) < tonumber(lowest)) then
          first, id, lowest = one, head, priority
        end
      end
      if not first then
        return wanted
      end
      first.head = first.head + 2
      if try(shift, id, lowest, claims) then
        wanted = wanted - 1
      else
        first.passed = first.passed + 1
      end
    end
  end
  return wanted
end

function operation.claim(reviewer, count)
  sweep_sometimes()
  local refused, shift = shift_of(reviewer)
  if refused then
    return refused
  end
  local wanted = math.min(count, SETTINGS.held - shift.held)
  local claims, queues, lines = {at + SETTINGS.lease}, {}, {}
  for i = FIRST + 2, #ARGV do
    queues[ARGV[i]] = true
    lines[#lines + 1] = line(ARGV[i], 0, wanted)
  end
  wanted = look(shift, lines, queues, claims, wanted)
  -- Where the head of a queue is no use to them, the next call looks further on than the last.
  local further = {}
  for _, one in ipairs(lines) do
    if wanted > 0 and one.passed == MOST_PASSED then
      local from = call('HGET', REVIEWER .. reviewer, 'from:' .. one.queue)
      append(further, line(one.queue, tonumber(from or MOST_PASSED), wanted))
    end
  end
  look(shift, further, queues, claims, wanted)
  for _, one in ipairs(further) do
    local on = one.passed == one.from + MOST_PASSED
    call('HSET', REVIEWER .. reviewer, 'from:' .. one.queue, on and one.passed or MOST_PASSED)
  end
  if #claims > 1 then
    call('HSET', REVIEWER .. reviewer, 'held', shift.held, 'handed', shift.handed, 'run', shift.run,
      'active', at, 'working', shift.working, 'asked', shift.asked)
  end
  return claims
end

-- The slot a call is about, if the reviewer holds it; else the refusal.
local function held(query, fence, reviewer)
  local id = find(query, fence, reviewer)
  if not id then
    return nil, {'unknown'}
  end
  local state, newest, holder = load(id, 'state', 'fence', 'holder')
  if state ~= 'leased' or newest ~= fence or holder ~= reviewer then
    return nil, {'superseded', state}
  end
  return id
end

function operation.extend(query, fence, reviewer)
  local id, refused = held(query, fence, reviewer)
  if refused then
    return refused
  end
  active(reviewer)
  local lease_end = at + SETTINGS.lease
  call('ZADD', LEASES, lease_end, id)
  return {lease_end, claim_of(id, load(query, 'payload', 'sensitive'))}
end

-- From a holder's hand to a queue, which may be the one it came from.
local function to_queue(id, from, queue, holder, ...)
  local _, lane, priority = load_with_place(id, 'priority')
  leave(id, 'leased', from, lane, holder)
  if from ~= queue then
    displace(id, from)
    describe(id, queue, lane)
  end
  start_waiting(id, queue, priority, 'holder', '', ...)
  if from ~= queue then
    place(id, queue)
  end
end

-- Gives a claim up, so that its holder can no longer answer. `target` is a function of the queue.
local function give_up(ended, query, fence, reviewer, target, ...)
  local id = find(query, fence, reviewer)
  if id then
    local newest, holder, ended_before = load(id, 'fence', 'holder', 'ended')
    if newest == fence and holder == '' and ended_before == ended then
      return 1 -- a repetition
    end
  end
  local _, refused = held(query, fence, reviewer)
  if refused then
    return refused
  end
  active(reviewer)
  local queue, lane = load_with_place(id)
  call('HSET', QUERY .. query, 'lost:' .. fence, reviewer)
  if load(query, 'expected') and ended ~= 'release' then
    close(id, 'leased', 'expired', queue, lane, reviewer, 'holder', '', 'ended', ended, ...)
  else
    to_queue(id, queue, target(queue), reviewer, 'ended', ended, ...)
  end
  return 1
end

local function same(queue)
  return queue
end

local function above(queue)
  return SETTINGS.queues[queue] and SETTINGS.queues[queue].to or 'escalated'
end

function operation.release(query, fence, reviewer)
  return give_up('release', query, fence, reviewer, same)
end

function operation.escalate(query, fence, reviewer, reason)
  return give_up('escalate', query, fence, reviewer, above, 'reason', reason)
end

function operation.skip(query, fence, reviewer, reason)
  local function target(queue)
    call('HSET', QUERY .. query, 'skipped:' .. reviewer, reason)
    return call('HINCRBY', QUERY .. query, 'skips', 1) < SETTINGS.skips and queue or above(queue)
  end
  return give_up('skip', query, fence, reviewer, target, 'reason', reason)
end

function operation.seize(query)
  local state, slots = load(query, 'state', 'slots')
  if not state then
    return {'unknown'}
  end
  local holders = {}
  for _, id in ipairs(slots_of(query, slots)) do
    local queue, _, state, holder, fence = load_with_place(id, 'state', 'holder', 'fence')
    if state == 'leased' then
      call('HSET', QUERY .. query, 'lost:' .. fence, holder)
      to_queue(id, queue, queue, holder, 'ended', 'seize')
      append(holders, holder)
    end
  end
  return {'seized', holders}
end

---------------------------------------------------------------------------------------------------------------
-- The operations: answers

-- What an answer to a slot is: a label, or an opinion and of which kind; and the slot in words.
local function kind_of(id)
  local query, name = query_of(id)
  local slots, expected = load(query, 'slots', 'expected')
  if expected then
    return 'gold', name
  elseif slots and tonumber(name) <= tonumber(slots) then
    return 'overlap', name
  end
  return 'label', ''
end

local function word_of(id)
  local label, by, offset, revision = load(id, 'label', 'by', 'offset', 'revision')
  local kind, name = kind_of(id)
  return kind, query_of(id), name, label, by, revision, offset
end

function operation.begin(query, fence, reviewer, label, key)
  local id = find(query, fence, reviewer)
  if not id then
    return {'unknown'}
  end
  active(reviewer)
  local state, newest, holder, recorded, recorded_key, by =
    load(id, 'state', 'fence', 'holder', 'label', 'key', 'by')
  if by and label == recorded and (reviewer == by or key == recorded_key) then
    local kind, _, name, _, _, revision, offset = word_of(id)
    return {'answered', kind, query, name, label, by, revision, offset}
  end
  local payload, slots, expected, lost = load(query, 'payload', 'slots', 'expected', 'lost:' .. fence)
  local ours = newest == fence and holder == reviewer
  local again = state == 'recording' and label == recorded
  if not ours or not (state == 'leased' or state == 'waiting' or again) then
    if ours or lost == reviewer then -- a fence that was never theirs has no opinion
      call('HSET', QUERY .. query, 'opinion:' .. reviewer, label)
      return {'late', state, payload}
    end
    return {'superseded', state}
  end
  local queue, lane, claimed, revision = load_with_place(id, 'claimed', 'revision')
  leave(id, state, queue, lane, holder)
  if state == 'leased' then
    -- How long a review takes is learned from leases that did not lapse.
    call('HSET', QUERY .. id, 'took', at - claimed)
  end
  take_in_hand(id, 'recording', lane, holder, at + SETTINGS.recording, 'label', label, 'key', key)
  -- Begun before: still recording, or lapsed from it.
  local repeated = label == recorded and 1 or 0
  local kind, name = kind_of(id)
  return {'recording', payload, at - claimed, repeated, kind, (revision or 0) + 1, name, slots or 1, expected or ''}
end

function operation.abort(query, fence, reviewer)
  local id = find(query, fence, reviewer)
  if not id then
    return {'unknown'}
  end
  local queue, lane, state, newest, holder = load_with_place(id, 'state', 'fence', 'holder')
  local ours = newest == fence and holder == reviewer
  if state == 'leased' and ours then
    return 1 -- a repetition
  end
  if state ~= 'recording' or not ours then
    return {'superseded', state}
  end
  leave(id, state, queue, lane, holder)
  take_in_hand(id, 'leased', lane, holder, at + SETTINGS.lease)
  call('HDEL', QUERY .. id, 'label', 'key', 'took')
  return 1
end

-- Whether a word of the log stands over what is known of a slot.
local function stands(id, revision, offset)
  local stood, stood_offset = load(id, 'revision', 'offset')
  revision, offset, stood, stood_offset = tonumber(revision), tonumber(offset), tonumber(stood or 0), tonumber(stood_offset)
  return revision > stood or revision == stood and offset < stood_offset
end

-- Puts an answer on a slot that is in any state.
local function answer(id, after, label, by, revision, offset)
  local queue, lane, state, holder, recorded, took = load_with_place(id, 'state', 'holder', 'label', 'took')
  if state == 'leased' or state == 'recording' then
    count_completion(took)
  end
  if recorded ~= label or holder ~= by then
    call('HDEL', QUERY .. id, 'key') -- of a label that is not the answer
  end
  call('HDEL', QUERY .. id, 'reopens')
  close(id, state, state == 'labelled' and state or after, queue, lane, holder, 'label', label, 'by', by,
    'revision', revision, 'offset', offset, 'answered', at)
end

local settle = {}

-- Each returns the slot whose answer is to be told, or nothing.

function settle.label(query, _, label, by, revision, offset)
  local queue, lane, state, slots = load_with_place(query, 'state', 'slots')
  if not state then
    return nil
  end
  local deciding = deciding_of(query, slots)
  if not stands(deciding, revision, offset) then
    return deciding
  end
  local decided = not slots or load(deciding, 'state')
  if slots then
    for number = 1, slots do
      local id = slot_of(query, number)
      local queue, lane, state, holder = load_with_place(id, 'state', 'holder')
      if state ~= 'labelled' then
        close(id, state, 'labelled', queue, lane, holder)
      end
    end
  end
  if not decided then
    describe(deciding, queue, lane)
    call('HSET', QUERY .. deciding, 'state', 'labelled', 'priority', load(query, 'priority'))
  end
  answer(deciding, 'labelled', label, by, revision, offset)
  if decided then -- by one reviewer, not by the opinions of several
    count_answer(deciding, by)
  end
  return deciding
end

local function opine(id, label, by, revision, offset)
  if stands(id, revision, offset) then
    answer(id, 'opined', label, by, revision, offset)
    count_answer(id, by)
  end
  return id
end

function settle.overlap(query, name, label, by, revision, offset)
  local slots = load(query, 'slots')
  if slots and tonumber(name) <= tonumber(slots) then
    return opine(slot_of(query, tonumber(name)), label, by, revision, offset)
  end
end

function settle.gold(query, _, label, by, revision, offset)
  local id = query .. '~' .. by
  if load(query, 'expected') and load(id, 'state') then
    return opine(id, label, by, revision, offset)
  end
end

function settle.late(query, _, label, by)
  if call('EXISTS', QUERY .. query) == 1 then
    call('HSET', QUERY .. query, 'opinion:' .. by, label)
  end
end

function settle.retraction(query, name, _, _, revision, offset)
  local slots, expected = load(query, 'slots', 'expected')
  local id = name == '' and deciding_of(query, slots) or expected and query .. '~' .. name
    or slots and slot_of(query, tonumber(name) or 0)
  local queue, lane, state, priority, due, reopens
  if id then
    queue, lane, state, priority, due, reopens = load_with_place(id, 'state', 'priority', 'due', 'reopens')
  end
  local built_on = slots and name ~= '' and load(deciding_of(query, slots), 'state')
  if not state or built_on or not stands(id, revision, offset) then
    return
  end
  call('HSET', QUERY .. id, 'revision', revision, 'offset', offset)
  if state ~= 'opined' and state ~= 'labelled' then
    return -- nothing to take back
  end
  leave(id, state, queue)
  count_open(lane, 1)
  call('HDEL', QUERY .. id, 'label', 'by', 'key', 'took', 'answered', 'reopens', 'lapses')
  call('PERSIST', QUERY .. id)
  if due then
    call('ZADD', DUE .. queue, due, id)
  end
  if not expected then
    remember(query, slots)
  end
  if slots then
    call('ZREM', COMPLETE, query)
  end
  if slots and name == '' then
    call('ZADD', DISPUTED, 'NX', at, query)
  end
  if reopens then
    local newest = slots and look_at_others(id, query, slots, reopens) or load(id, 'fence')
    take_in_hand(id, 'leased', lane, reopens, at + SETTINGS.lease, 'fence', fence_after(newest), 'claimed', at)
  else
    start_waiting(id, queue, priority, 'holder', '')
  end
end

function operation.settle(position)
  local standing = {}
  for i = FIRST + 1, #ARGV, 7 do
    local kind, query, name, label, by, revision, offset = unpack(ARGV, i, i + 6)
    local id = settle[kind](query, name, label, by, revision, offset)
    if id and load(id, 'by') then
      append(standing, word_of(id))
    end
  end
  if tonumber(position) > tonumber(call('HGET', DESK, SETTINGS.settled) or 0) then
    call('HSET', DESK, SETTINGS.settled, position)
  end
  return standing
end

function operation.settled()
  return {tonumber(call('HGET', DESK, SETTINGS.settled) or 0), at}
end

function operation.dispute(query)
  local queue, lane, state, slots, priority = load_with_place(query, 'state', 'slots', 'priority')
  if not state then
    return {'unknown'}
  end
  if call('ZREM', COMPLETE, query) == 1 then
    open(deciding_of(query, slots), above(queue), lane, priority)
    call('ZADD', DISPUTED, at, query)
  end
  return 1
end

function operation.retract(query, revision, reviewer)
  local state, slots, expected, payload, sensitive = load(query, 'state', 'slots', 'expected', 'payload', 'sensitive')
  if not state and not expected then
    return {'unknown'}
  end
  local theirs
  for _, id in ipairs(expected and {query .. '~' .. reviewer} or slots_of(query, slots)) do
    local by, holder, state = load(id, 'by', 'holder', 'state')
    if by == reviewer or holder == reviewer and state == 'leased' then
      theirs = id -- the deciding one, if they have been the one to decide
    end
  end
  if not theirs then
    return {'fixed'}
  end
  local state, by, newest = load(theirs, 'state', 'by', 'revision')
  if state == 'leased' and newest and tonumber(newest) == tonumber(revision) + 1 then
    local lease_end = tonumber(call('ZSCORE', LEASES, theirs))
    return {lease_end, claim_of(theirs, payload, sensitive)}
  end
  if newest ~= revision then
    return {'stale', tonumber(newest or 0)}
  end
  local kind, name = kind_of(theirs)
  local resolved = kind == 'overlap' and load(deciding_of(query, slots), 'state')
  if by ~= reviewer or resolved or not call('LPOS', ANSWERS .. reviewer, theirs) then
    return {'fixed'}
  end
  call('HSET', QUERY .. theirs, 'reopens', reviewer)
  return {'undoing', kind == 'label' and query or query .. '~' .. name, tonumber(newest) + 1}
end

---------------------------------------------------------------------------------------------------------------
-- The operations: time, people, and what is to be seen

function operation.sweep(log_settled_at)
  clear()
  return sweep(tonumber(log_settled_at))
end

function operation.pause(reviewer, reason)
  call('ZADD', REVIEWERS, 'NX', 0, reviewer)
  return call('HSET', REVIEWER .. reviewer, 'paused', reason)
end

function operation.resume(reviewer)
  return call('HDEL', REVIEWER .. reviewer, 'paused')
end

-- A query as if it had never been.
function operation.forget()
  local gone = 0
  for i = FIRST, #ARGV do
    local query = ARGV[i]
    local known, slots = load(query, 'state', 'slots')
    if known then
      for _, id in ipairs(slots_of(query, slots)) do
        local queue, lane, state, holder, by = load_with_place(id, 'state', 'holder', 'by')
        if state then
          leave(id, state, queue, lane, holder)
          if state == 'waiting' or state == 'leased' or state == 'recording' then
            count_open(lane, -1)
          end
          call('ZREM', DUE .. queue, id)
          if by then
            call('LREM', ANSWERS .. by, 0, id)
          end
          call('DEL', QUERY .. id)
        end
      end
      call('ZREM', COMPLETE, query)
      call('ZREM', DISPUTED, query)
      gone = gone + 1
    end
  end
  return gone
end

local function view(query, reviewer)
  local slots, expected = load(query, 'slots', 'expected')
  local ids = slots_of(query, slots)
  if expected then
    ids = load(query .. '~' .. reviewer, 'state') and {query, query .. '~' .. reviewer} or {}
  end
  local found = {}
  for _, id in ipairs(ids) do
    local fields = call('HGETALL', QUERY .. id)
    local waits_at = call('ZSCORE', WAITING .. (load_with_place(id)), id)
    if waits_at then
      append(fields, 'priority', waits_at)
    end
    if #fields > 0 then
      append(found, id, fields)
    end
  end
  return found
end

function operation.view(reviewer)
  local views = {}
  for i = FIRST + 1, #ARGV do
    append(views, view(ARGV[i], reviewer))
  end
  return views
end

function operation.members(set, score, member, count)
  local key = PREFIX .. set
  local from = 0
  if member ~= '' then
    -- Where the last one has moved on, those of its score are told again rather than left out.
    local still = call('ZSCORE', key, member)
    from = still and tonumber(still) == tonumber(score) and call('ZRANK', key, member) + 1
      or call('ZCOUNT', key, '-inf', '(' .. score)
  end
  return call('ZRANGE', key, from, from + count - 1, 'WITHSCORES')
end

function operation.oldest(set, count)
  return call('ZRANGE', PREFIX .. set, 0, count - 1)
end

function operation.answers(reviewer)
  local past = {}
  for _, id in ipairs(call('LRANGE', ANSWERS .. reviewer, 0, -1)) do
    local by, answered = load(id, 'by', 'answered')
    if by == reviewer then
      append(past, load(query_of(id), 'payload'), tonumber(answered), word_of(id))
    end
  end
  return past
end

function operation.reviewers()
  local all = {at - SETTINGS.window}
  local names = call('ZRANGE', REVIEWERS, 0, -1, 'WITHSCORES')
  for i = 1, #names, 2 do
    append(all, names[i], tonumber(names[i + 1]), call('HGETALL', REVIEWER .. names[i]))
  end
  return all
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
  return {facts(), tostring(total), live}
end

redis.register_function('streamsel_desk', function(keys, arguments)
  enter(keys, arguments)
  return operation[ARGV[1]](unpack(ARGV, FIRST, math.min(#ARGV, FIRST + 4)))
end)
