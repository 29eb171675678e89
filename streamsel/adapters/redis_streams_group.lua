-- Who reads which partition of the events, and how far: a consumer group with leases.
--
-- KEYS[1] members    ZSET  member -> the end of its lease, milliseconds of the server's clock
-- KEYS[2] owners     HASH  partition -> "token member"; the token tells one ownership from the next
-- KEYS[3] positions  HASH  partition -> offset of the next event to be done
-- KEYS[4] token      INTEGER, grows with every ownership and never falls
-- KEYS[5…] events    STREAM of partition 0, 1 …
--
-- ARGV[1] names the call, ARGV[2] is the member.
--   renew    ARGV[3] lease in milliseconds
--            Renews the member's lease, forgets members whose lease has ended, and gives the member free
--            partitions up to its share. Returns {share, {partition, token, position}, …} of all it owns.
--            A member that owns more than its share is to finish with some and release them.
--   commit   ARGV[3] how many committed events to keep, then partition, token, offset of each
--            Moves the positions of partitions still owned under these tokens; returns how many that were.
--            Only events before a position are ever trimmed.
--   release  ARGV[3…] partition, token of each: gives up those still owned under these tokens.
--   leave    Ends the lease and gives up everything.

local members, owners, positions, token = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local call, member = ARGV[1], ARGV[2]
local FIRST_EVENTS = 5

local function owner_of(partition)
    local owner = redis.call('HGET', owners, partition)
    if owner then return string.match(owner, '^(%d+) (.*)$') end
end

local function owned_under(partition, wanted)
    local current, name = owner_of(partition)
    return name == member and current == wanted
end

local calls = {}

function calls.renew()
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    redis.call('ZADD', members, now + ARGV[3], member)
    redis.call('ZREMRANGEBYSCORE', members, '-inf', now)
    local live = redis.call('ZRANGE', members, 0, -1)
    table.sort(live)
    local partitions = #KEYS - FIRST_EVENTS + 1
    local share = math.floor(partitions / #live)
    -- The remainder goes to the first members by name, one each, so that shares add up to all partitions.
    if live[partitions % #live] and member <= live[partitions % #live] then share = share + 1 end
    local is_live = {}
    for _, name in ipairs(live) do is_live[name] = true end

    local owned, free = {}, {}
    for partition = 0, partitions - 1 do
        local current, name = owner_of(partition)
        if name == member then
            table.insert(owned, {partition, current})
        elseif not is_live[name or ''] then
            table.insert(free, partition)
        end
    end
    for _, partition in ipairs(free) do
        if #owned >= share then break end
        local fresh = tostring(redis.call('INCR', token))
        redis.call('HSET', owners, partition, fresh .. ' ' .. member)
        table.insert(owned, {partition, fresh})
    end
    for _, one in ipairs(owned) do
        one[3] = tonumber(redis.call('HGET', positions, one[1]) or 0)
    end
    return {share, unpack(owned)}
end

function calls.commit()
    local keep, moved = tonumber(ARGV[3]), 0
    for at = 4, #ARGV, 3 do
        local partition, offset = ARGV[at], tonumber(ARGV[at + 2])
        if owned_under(partition, ARGV[at + 1]) then
            redis.call('HSET', positions, partition, offset)
            if offset > keep then
                redis.call('XTRIM', KEYS[FIRST_EVENTS + partition], 'MINID', '~', '0-' .. (offset - keep + 1))
            end
            moved = moved + 1
        end
    end
    return moved
end

function calls.release()
    for at = 3, #ARGV, 2 do
        if owned_under(ARGV[at], ARGV[at + 1]) then redis.call('HDEL', owners, ARGV[at]) end
    end
end

function calls.leave()
    redis.call('ZREM', members, member)
    for partition = 0, #KEYS - FIRST_EVENTS do
        local _, name = owner_of(partition)
        if name == member then redis.call('HDEL', owners, partition) end
    end
end

return calls[call]()
