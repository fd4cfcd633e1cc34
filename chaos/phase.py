"""How far a fault is on one part."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """In order, but for `unknown`, which `heal` tries to leave again."""

    REQUESTED = "requested"
    APPLIED = "applied"
    VERIFIED = "verified"
    """Its effect was seen."""
    REVERTING = "reverting"
    """It is undone, or ended by itself, and that is yet to be confirmed."""
    REVERTED = "reverted"
    """Seen to be undone."""
    CEASED = "ceased"
    """Seen to be undone, and it had ended before anybody undid it."""
    UNKNOWN = "unknown"
    """Whether it is undone could not be confirmed."""

    @property
    def is_over(self) -> bool:
        """Nothing of it is left."""
        return self in (Phase.REVERTED, Phase.CEASED)

    @property
    def is_settled(self) -> bool:
        """Nothing more happens by itself."""
        return self.is_over or self is Phase.UNKNOWN

    @property
    def may_hurt(self) -> bool:
        """The part may suffer from it now."""
        return not self.is_over and self is not Phase.REVERTING
