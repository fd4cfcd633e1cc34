"""What is taken out of a store, or made wrong in it, and put back. Whatever that needs is kept in the store
itself, so that it survives its controller, and a promotion."""

from __future__ import annotations

import random
import secrets
from abc import abstractmethod
from collections.abc import Iterator, Sequence

from foundation.failure import Failure
from services.platform.access import SERVICE
from services.platform.keys import TIMELINE_KEPT
from testbed.inventory import Part
from testbed.store_loads import StoreLoads
from testbed.stores import Refused

EMPTIED = "emptied-homes"
"""Set: the accounts whose home timelines were taken away. What was in one is in `emptied-home:ACCOUNT`."""

CORRUPTED = "corrupted-posts"
"""Hash: by the key of a post, its body as it was before it was made wrong."""

LOST = "lost-posts"
"""Set: the keys of posts that were deleted. Each is kept as `lost-post:ID`."""

_AT_A_TIME = 500
"""Accounts, or posts, in one call: the store does nothing else meanwhile."""

_EMPTY = """
for _, account in ipairs(ARGV) do
  local home, kept = 'home:' .. account, 'emptied-home:' .. account
  redis.call('ZUNIONSTORE', kept, 2, kept, home, 'AGGREGATE', 'MAX')
  redis.call('EXPIRE', home, 0)
  redis.call('SADD', 'emptied-homes', account)
end
return 1
"""

_REFILL = f"""
for _, account in ipairs(ARGV) do
  local home, kept = 'home:' .. account, 'emptied-home:' .. account
  local entries = redis.call('ZRANGE', kept, 0, -1, 'WITHSCORES')
  for i = 1, #entries, 2 do
    local post, retweeter = string.match(entries[i], '^(%d+):?(%d*)$')
    local by = retweeter ~= '' and retweeter or redis.call('HGET', 'post:' .. post, 'author')
    if by and (by == account or redis.call('SISMEMBER', 'following:' .. account, by) == 1) then
      redis.call('ZADD', home, entries[i + 1], entries[i])
    end
  end
  redis.call('ZREMRANGEBYRANK', home, 0, -{TIMELINE_KEPT} - 1)
  redis.call('DEL', kept)
  redis.call('SREM', 'emptied-homes', account)
end
return 1
"""
"""What came meanwhile stays; whom somebody has ceased to follow meanwhile does not come back."""

_COLD = """
local function is_cold(account)
  local home, kept = 'home:' .. account, 'emptied-home:' .. account
  if redis.call('ZCARD', home) >= redis.call('ZCARD', kept) then
    return false
  end
  for _, member in ipairs(redis.call('ZDIFF', 2, kept, home)) do
    local post, retweeter = string.match(member, '^(%d+):?(%d*)$')
    local by = retweeter ~= '' and retweeter or redis.call('HGET', 'post:' .. post, 'author')
    if by and redis.call('SISMEMBER', 'celebrities', by) == 0 and redis.call('ZSCORE', 'posts:' .. by, member)
      and (by == account or redis.call('SISMEMBER', 'following:' .. account, by) == 1) then
      return true
    end
  end
  return false
end
local cold = 0
for _, account in ipairs(ARGV) do
  cold = cold + (is_cold(account) and 1 or 0)
end
return cold
"""
"""What celebrities wrote is merged when a home is read, so that nobody misses it there; and what its maker's
own timeline does not have was taken back."""

_CORRUPT = r"""
for _, post in ipairs(ARGV) do
  local body = redis.call('HGET', post, 'body')
  local _, before = string.find(body or '', '"text":"', 1, true)
  if before and redis.call('HSETNX', 'corrupted-posts', post, body) == 1 then
    local stop = string.find(body, '[\\"]', before + 1)
    while string.sub(body, stop, stop) == '\\' do
      stop = string.find(body, '[\\"]', stop + 2)
    end
    local text = string.gsub(string.sub(body, before + 1, stop - 1), '[io]', { i = 'o', o = 'i' })
    redis.call('HSET', post, 'body', string.sub(body, 1, before) .. text .. string.sub(body, stop))
  end
end
return 1
"""
"""No escape of JSON has these letters."""

_MEND = """
for _, post in ipairs(ARGV) do
  local body = redis.call('HGET', 'corrupted-posts', post)
  if body and redis.call('EXISTS', post) == 1 then
    redis.call('HSET', post, 'body', body)
  end
  redis.call('HDEL', 'corrupted-posts', post)
end
return 1
"""

_WRONG = """
local wrong = 0
for _, post in ipairs(ARGV) do
  local body = redis.call('HGET', post, 'body')
  if body and body ~= redis.call('HGET', 'corrupted-posts', post) then
    wrong = wrong + 1
  end
end
return wrong
"""

_LOSE = """
for _, post in ipairs(ARGV) do
  if redis.call('EXISTS', post) == 1 then
    redis.call('RENAME', post, 'lost-' .. post)
    redis.call('SADD', 'lost-posts', post)
  end
end
return 1
"""

_LOSE_MORE = f"""
if redis.call('EXISTS', '{LOST}') == 0 then
  return 0
end
{_LOSE}"""
"""Whoever has given the store back what it had has ended it, at whatever moment that was."""

_RETURN = """
for _, post in ipairs(ARGV) do
  if redis.call('EXISTS', 'lost-' .. post) == 1 then
    redis.call('RENAME', 'lost-' .. post, post)
  end
  redis.call('SREM', 'lost-posts', post)
end
return 1
"""


class StoreContents(StoreLoads):
    """Of one site. What changes something raises Failure when the store refuses, or does not answer."""

    # --- home timelines ---

    def empty_homes(self, part: Part, share: float) -> None:
        """Take away what is in the home timelines of a share of all who have one."""
        for accounts in self._scan(part, "home:*"):
            hit = [account for account in accounts if random.random() < share]
            self._run(part, _EMPTY, hit)

    def refill_homes(self, part: Part) -> None:
        """Put it back."""
        while accounts := self._texts(part, "SRANDMEMBER", EMPTIED, str(_AT_A_TIME)):
            self._run(part, _REFILL, accounts)

    def emptied_homes(self, part: Part) -> int:
        """How many home timelines were taken away and not put back; 0 where it does not answer."""
        return int(self._redis_says(part, "SCARD", EMPTIED) or 0)

    def cold_homes(self, part: Part) -> tuple[int, int]:
        """Of how many of these something is missing, and how many were looked at."""
        accounts = self._texts(part, "SRANDMEMBER", EMPTIED, str(_AT_A_TIME))
        return self._run(part, _COLD, accounts), len(accounts)

    # --- posts ---

    def corrupt_posts(self, part: Part, posts: Sequence[str]) -> None:
        """Make the text of posts wrong, by their keys; what is wrong already stays as it is."""
        for begin in range(0, len(posts), _AT_A_TIME):
            self._run(part, _CORRUPT, posts[begin : begin + _AT_A_TIME])

    def mend_posts(self, part: Part) -> None:
        """Give each its own text back."""
        while posts := self._texts(part, "HRANDFIELD", CORRUPTED, str(_AT_A_TIME)):
            self._run(part, _MEND, posts)

    def corrupted_posts(self, part: Part) -> int:
        """How many posts were made wrong and not mended."""
        return int(self._redis_says(part, "HLEN", CORRUPTED) or 0)

    def wrong_posts(self, part: Part) -> tuple[int, int]:
        """How many of these have another text than they had, and how many were looked at."""
        posts = self._texts(part, "HRANDFIELD", CORRUPTED, str(_AT_A_TIME))
        return self._run(part, _WRONG, posts), len(posts)

    def lose_all_posts(self, part: Part) -> None:
        """Delete every post that there is."""
        for posts in self._scan(part, "post:*"):
            self._run(part, _LOSE, [f"post:{post}" for post in posts])

    def lose_posts(self, part: Part, posts: Sequence[str]) -> None:
        """Delete these as well, by their keys; none where those are there again that were deleted before."""
        for begin in range(0, len(posts), _AT_A_TIME):
            self._run(part, _LOSE_MORE, posts[begin : begin + _AT_A_TIME])

    def return_posts(self, part: Part) -> None:
        """Let those be there again that were deleted."""
        while posts := self._texts(part, "SRANDMEMBER", LOST, str(_AT_A_TIME)):
            self._run(part, _RETURN, posts)

    def lost_posts(self, part: Part) -> int:
        """How many were deleted and are not there again; 0 where it does not answer."""
        return int(self._redis_says(part, "SCARD", LOST) or 0)

    # --- the password ---

    @property
    @abstractmethod
    def services_password(self) -> str:
        """With what the services come to the store."""

    def rotate_password(self, part: Part) -> None:
        """Give the services another password at a store, and tell them nothing."""
        self._tell(part, "ACL", "SETUSER", SERVICE, "resetpass", f">{secrets.token_urlsafe(32)}")

    def give_password_back(self, part: Part) -> None:
        """Give them their own. No failure while the store does not answer: redis.sh does it."""
        if self.is_password_rotated(part):
            self._tell(part, "ACL", "SETUSER", SERVICE, "resetpass", f">{self.services_password}")
            self._redis_says(part, "CONFIG", "REWRITE")  # Sentinel may have had it written down meanwhile

    def is_password_rotated(self, part: Part) -> bool:
        """Whether a store refuses the services' password; false for one that does not answer."""
        if part.kind != "store":
            return False
        said = self.ask_redis(part, "AUTH", SERVICE, self.services_password)
        return isinstance(said, Refused) and "password" in said

    # --- how ---

    def _scan(self, part: Part, pattern: str) -> Iterator[list[str]]:
        """What stands in the keys of this pattern for the star, in pieces."""
        cursor, head = "0", len(pattern) - 1
        while True:
            said = self.ask_redis(part, "SCAN", cursor, "MATCH", pattern, "COUNT", str(_AT_A_TIME))
            if not isinstance(said, list):
                raise Failure(f"{part.name} refuses SCAN, or does not answer")
            yield [key.decode()[head:] for key in said[1]]
            if (cursor := said[0].decode()) == "0":
                return

    def _run(self, part: Part, script: str, arguments: Sequence[str]) -> int:
        """What a script returns. Raises Failure."""
        answer = self.ask_redis(part, "EVAL", script, "0", *arguments)
        if not isinstance(answer, int):
            raise Failure(f"{part.name} refuses a script, or does not answer: {answer or 'silence'}")
        return answer

    def _texts(self, part: Part, *command: str) -> list[str]:
        """What a command says that names several. Raises Failure."""
        said = self.ask_redis(part, *command)
        if not isinstance(said, list):
            raise Failure(f"{part.name} refuses {command[0]}, or does not answer")
        return [one.decode() for one in said]
