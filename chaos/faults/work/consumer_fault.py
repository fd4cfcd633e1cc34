"""What faults of a consumer group share: an injection point in a member, and how far the group is by the
store's word."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from chaos.fault import Injection, Proof, Value
from chaos.faults.calls.injection_point import SetInService, points_of
from testbed.event_log import GROUPS, GroupNow
from testbed.site import Site

_OF_NOBODY = {
    "timeline": ("retweet.undone", '{"post":"0"}'),
    "notify": ("post.liked", '{"post":"0","author":"0","name":"nobody"}'),
}
"""By service, an event that its group handles and the other one passes over, and that changes nothing: what
nobody did to a post that does not exist."""

_EVENT_EVERY = 0.3
"""Seconds between two of them."""


class ConsumerFault(SetInService):
    """One on a member of a consumer group. With one member of two hurt the other takes what is left; with
    both, nobody does.

    Each kind says in `harm` by what the store shows it.
    """

    targets = tuple(GROUPS)
    spares: ClassVar[tuple[str, ...]] = ("home-timeline", "protected-posts")

    @abstractmethod
    def harm(self, group: GroupNow, member: str, parameters: Mapping[str, Value]) -> str:
        """What is not as it should be, as the store sees the group and this member, in words; or empty."""

    def verify(self, site: Site, injection: Injection) -> Proof:
        name = injection.part.name
        if injection.id not in points_of(site, injection.part):
            return Proof(False, f"{name} has no such injection point")
        group = site.group_now(GROUPS[injection.part.service])
        if group is None:
            return Proof(None, "no store says how far the group is")
        if harm := self.harm(group, name, injection.parameters):
            return Proof(True, harm)
        # Where nobody does anything no event would ever show it.
        kind, content = _OF_NOBODY[injection.part.service]
        site.append_event(kind, content, f"{injection.id} {time.monotonic() // _EVENT_EVERY}")
        return Proof(None, f"{name} is not seen to be hurt yet")
