"""The desk's store, read raw: every query in exactly one state, and every set true to it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from redis import Redis

IN_HAND = ("leased", "recording")


@dataclass(frozen=True, slots=True)
class DeskStore:
    """The desk under one prefix of one server."""

    url: str
    prefix: str

    def states(self) -> dict[str, str]:
        """Query id to state. Fails when a query is in two places, in none, or counted wrongly."""
        with Redis.from_url(self.url, decode_responses=True) as client:
            # One script, for the service goes on meanwhile.
            queries, places, desk = client.eval(_READ, 0, f"{{{self.prefix}}}:")
        states = dict(zip(queries[::3], queries[1::3], strict=True))
        lanes = dict(zip(queries[::3], (lane or "uncertain" for lane in queries[2::3]), strict=True))
        members = {place: set(ids) for place, ids in zip(places[::2], places[1::2], strict=True)}

        waiting = {query for query, state in states.items() if state == "waiting"}
        assert members["waiting:default"] | members["waiting:escalated"] == waiting
        for queue in ("default", "escalated"):
            assert members[f"waiting:{queue}"] == members[f"since:{queue}"]
        assert not members["waiting:default"] & members["waiting:escalated"]
        assert members["leases"] == {query for query, state in states.items() if state == "leased"}
        assert members["recordings"] == {query for query, state in states.items() if state == "recording"}

        counted = {
            name: int(n) for name, n in zip(desk[::2], desk[1::2], strict=True) if ":" in name and int(n)
        }
        in_hand = {query for query, state in states.items() if state in IN_HAND}
        by_lane = Counter(f"leased:{lanes[query]}" for query in in_hand)
        by_lane.update(f"open:{lanes[query]}" for query in in_hand | waiting)
        assert counted == dict(by_lane)
        return states


_READ = """
local queries, places = {}, {}
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. 'query:*')) do
  queries[#queries + 1] = string.sub(key, #ARGV[1] + 7)
  queries[#queries + 1] = redis.call('HGET', key, 'state')
  queries[#queries + 1] = redis.call('HGET', key, 'lane')
end
local sets = {
  'waiting:default', 'waiting:escalated', 'since:default', 'since:escalated', 'leases', 'recordings'
}
for _, name in ipairs(sets) do
  places[#places + 1] = name
  places[#places + 1] = redis.call('ZRANGE', ARGV[1] .. name, 0, -1)
end
return {queries, places, redis.call('HGETALL', ARGV[1] .. 'desk')}
"""
