"""The questions of `failwhale drill readiness`, a file each, in the order in which they are told."""

from drills.questions.addresses import ADDRESSES
from drills.questions.backups import BACKUPS
from drills.questions.certificates import CERTIFICATES
from drills.questions.headroom import HEADROOM
from drills.questions.health_checks import HEALTH_CHECKS
from drills.questions.parts import PARTS
from drills.questions.promotion import PROMOTION
from drills.questions.replication import REPLICATION
from drills.questions.votes import VOTES

QUESTIONS = (
    PARTS,
    VOTES,
    PROMOTION,
    REPLICATION,
    CERTIFICATES,
    ADDRESSES,
    HEALTH_CHECKS,
    HEADROOM,
    BACKUPS,
)
