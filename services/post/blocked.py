"""Texts that may not be posted: those in which a pattern of the configuration is found."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence

from services.platform.configuration.document import Document
from services.platform.configuration.schema import BLOCKED_PATTERNS, MOST_PATTERNS
from services.platform.problems import Problem

logger = logging.getLogger(__name__)


class Blocked:
    """The patterns that are in force."""

    def __init__(self) -> None:
        self._patterns: Sequence[re.Pattern[str]] = ()

    def apply(self, document: Document) -> None:
        """Go by this configuration. Raises ValueError, TypeError for what is no list of patterns.

        Of more than MOST_PATTERNS some would not be searched for, and what they block would be posted. Rather
        than that nothing is: the process ends at once, and ends again when it is started
        with the same document.
        """
        patterns = document.value(BLOCKED_PATTERNS)
        if len(patterns) > MOST_PATTERNS:
            logger.critical(
                "version %d of the configuration has %d %s, and there is room for %d: this part ends",
                document.version,
                len(patterns),
                BLOCKED_PATTERNS,
                MOST_PATTERNS,
            )
            os._exit(1)
        try:
            self._patterns = [re.compile(pattern, re.IGNORECASE) for pattern in patterns]
        except re.error as error:
            raise ValueError(f"{BLOCKED_PATTERNS}: {error}") from None

    def refuse(self, text: str) -> None:
        """Raise Problem 422 where a pattern is found in a text. It takes as long as the patterns make it."""
        for pattern in self._patterns:
            if pattern.search(text):
                raise Problem(422, "text-blocked", "This text may not be posted")
