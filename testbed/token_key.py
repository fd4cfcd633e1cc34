"""The key that signs sessions, in the folder of secrets that the parts have."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from services.platform.tokens import KEYS_FILE, KeysError, SessionKeys


class TokenKey:
    """Of one site."""

    def __init__(self, secrets: Path) -> None:
        self._secrets = secrets
        self._file = secrets / KEYS_FILE
        self._kept = self._file.with_suffix(".lost")
        """Where it lies meanwhile."""

    def lose(self) -> None:
        """Take it away; without one there is nothing to do."""
        with suppress(FileNotFoundError):
            self._file.replace(self._kept)

    def restore(self) -> None:
        """Put it back, in the place of a newer one, too: the sessions that there are were signed with it."""
        with suppress(FileNotFoundError):
            self._kept.replace(self._file)

    @property
    def is_lost(self) -> bool:
        """Whether it was taken away."""
        return self._kept.exists()

    def why_unread(self) -> str:
        """What who starts now would say of it; empty when it can be read."""
        try:
            SessionKeys(self._secrets)
        except KeysError as error:
            return str(error)
        return ""
