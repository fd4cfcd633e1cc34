"""restore-backup: the store has again what a backup has."""

from __future__ import annotations

from foundation.console import spell_duration
from foundation.failure import Failure
from foundation.suggestions import unknown
from operations.operation import Operation, Order, Parameter, register
from testbed.backups import Backup, NotGood, backups_of, restore
from testbed.inventory import Part
from testbed.maintenance import parts_of
from testbed.site import Site

LATEST = "latest"


class RestoreBackup(Operation):
    name = "restore-backup"
    help = (
        "Give the store what a backup has, in one step. All that was written since is lost, and what was "
        "deleted since is there again; how long that is, is said first. A backup is loaded by a server of "
        "its own before anything is touched: where the newest is not good, the one before is taken. The "
        "configuration, ended sessions and the newest ids stay as they are."
    )
    example = "failwhale ops restore-backup --lose-at-most 1h"
    usual = LATEST
    target_help = "latest, or a backup by its name, as back-up-store has made it"
    parameters = (
        Parameter(
            *("lose_at_most", "duration", "Refuse when more would be lost than of so long."), default=0.0
        ),
    )

    def parts(self, site: Site, target: str) -> tuple[Part, ...]:
        return (*parts_of(site), *site.stores)

    def carry_out(self, order: Order) -> str:
        refusals: list[NotGood] = []
        for backup in _meant(backups_of(order.site), order.target):
            _refuse_too_old(backup, order.given["lose_at_most"])
            age = _spell_age(backup)
            order.say(f"{backup.name} is {age} old: what was written since will be lost")
            try:
                done = restore(order.site, backup)
            except NotGood as refusal:
                refusals.append(refusal)
                order.say(refusal.message)
                continue
            where = "" if done["replicated"] else "; the replica does not have it yet"
            return (
                f"the store has what {backup.name} has, {done['keys']} keys where there were"
                f" {done['removed']}; what was written in the last {age} is lost{where}"
            )
        raise Failure("; ".join(one.message for one in refusals), refusals[0].next_step)


def _refuse_too_old(backup: Backup, may_be_lost: float) -> None:
    """Raise Failure where more would be lost than of so many seconds; 0: that is not bounded."""
    if 0 < may_be_lost < backup.age:
        raise Failure(
            f"{backup.name} is {_spell_age(backup)} old, and no more than {spell_duration(may_be_lost)}"
            " may be lost",
            "does a replica have what is lost? failwhale ops failover",
        )


def _spell_age(backup: Backup) -> str:
    return spell_duration(round(backup.age))


def _meant(backups: list[Backup], target: str) -> list[Backup]:
    """Those to try, in this order."""
    if target == LATEST:
        return backups
    found = [backup for backup in backups if backup.name == target]
    if not found:
        raise unknown("backup", target, [backup.name for backup in backups])
    return found


register(RestoreBackup())
