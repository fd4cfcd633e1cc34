"""posts-lost: what people have posted is gone, and so is what they post."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Injection, Proof, Value, register
from chaos.faults.store.contents_fault import ContentsFault, is_primary, primary_of
from chaos.faults.store.load_fault import LoadFault
from chaos.target import Target
from testbed.inventory import Part
from testbed.site import Site

_AGAIN = 0.1
_NEW = 20
"""So many posts are made in that time at most."""


class PostsLost(ContentsFault, LoadFault):
    name = "posts-lost"
    help = (
        "Every post is deleted, as by a script that was meant for another server, and so is whatever is "
        "posted while it lasts: timelines are empty, a post is answered 404. The store keeps them, and puts "
        "them back at the end. It is over when the store has what it had: by a failover to a replica that "
        "had not followed, or by a backup."
    )
    example = "failwhale chaos posts-lost store:primary --for 10s"
    leaves_nothing = False
    restored = "has them again"
    demonstration = Demonstration("store:primary", hurts={"home-timeline": "down"})
    precedent = "GitLab, 31 January 2017: the primary's data was deleted, and taken for the standby's."

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        return ("home-timeline", "protected-posts", "read-back", "retweet", "freshness")

    def apply(self, site: Site, injection: Injection) -> None:
        site.lose_all_posts(primary_of(site))
        super().apply(site, injection)

    def bout(self, site: Site, injection: Injection) -> float:
        primary = primary_of(site)
        site.lose_posts(primary, site.newest_posts(primary, _NEW))
        return _AGAIN

    def revert(self, site: Site, injection: Injection) -> None:
        self.stop(injection)
        super().revert(site, injection)

    def verify(self, site: Site, injection: Injection) -> Proof:
        primary = primary_of(site)
        lost = site.lost_posts(primary)
        return Proof(lost > 0, f"{lost} posts of {primary.name} are gone")

    def leftover(self, site: Site, part: Part) -> str:
        lost = site.lost_posts(part) if is_primary(site, part) else 0
        return f"lacked {lost} posts" if lost else ""

    def sweep(self, site: Site, part: Part) -> None:
        site.return_posts(part)


register(PostsLost())
