"""Another authority for the site, in two halves, so that nobody is ever shown what they do not trust: first
all trust the next one beside the one that issues, then it issues. At last the former one is trusted no more.

Each step may be repeated, also after one that was cut short. `root` is the authority's folder.
"""

from __future__ import annotations

from pathlib import Path

from services.platform import pki

_NEXT_KEY = "next-ca.key"


def next_authority(root: Path) -> pki.Authority | None:
    """The one that is trusted already and does not issue yet; None: no rotation is under way."""
    try:
        return pki.load_authority(root, _NEXT_KEY)
    except (OSError, ValueError):
        return None


def trust_next(root: Path) -> None:
    """Have every part trust a new authority, too: that of a rotation that is under way, if there is one."""
    if next_authority(root) is None:
        fresh = pki.new_authority()
        pki.install_key(root, fresh, _NEXT_KEY)
        pki.trust(root, [pki.load_authority(root).certificate, fresh.certificate])
    _tell_all(root)


def issue_by_next(root: Path) -> list[str]:
    """Have the next authority issue from now on, and all certificates made anew; returns their names.
    Without a rotation under way, what an earlier one left undone."""
    if next_authority(root) is not None:
        (root / _NEXT_KEY).replace(root / "ca.key")
    return pki.renew_due(root)


def distrust_former(root: Path) -> None:
    """Have every part trust the authority that issues, and no other."""
    pki.trust(root, [pki.load_authority(root).certificate])
    _tell_all(root)


def _tell_all(root: Path) -> None:
    for folder in {pki.folder_of(root, name) for name in pki.names_in(root)} - {root}:
        pki.trust(folder, pki.trusted(root))
