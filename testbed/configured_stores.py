"""What stores have of the live configuration: its documents, and whether parts may read them."""

from __future__ import annotations

from abc import abstractmethod

from services.platform import keys
from services.platform.access import MAINTENANCE, SERVICE
from services.platform.configuration.document import Document
from testbed.control import Control
from testbed.inventory import Part
from testbed.store_contents import StoreContents

READS = "XREVRANGE"
"""The command with which parts read the configuration, and nothing else."""

READERS = (SERVICE, MAINTENANCE)
"""Who reads it: as what the parts come to the store."""


class ConfiguredStores(StoreContents):
    """What stores have of the configuration."""

    @abstractmethod
    def control(self, part: Part, timeout: float = 2.0) -> Control:
        """The control endpoints of a part."""

    def configurations_at(self, part: Part, most: int = 1) -> list[Document] | None:
        """The newest documents that a store has, the newest first; None: it does not answer."""
        rows = self._redis_says(part, READS, keys.CONFIGURATION, "+", "-", "COUNT", str(most))
        if rows is None:
            return None
        documents = []
        for _, fields in rows:
            try:
                documents.append(Document.parse(fields[1]))
            except ValueError:
                continue  # of another form: whoever reads it here can do no more with it than the parts
        return documents

    def write_configuration(self, part: Part, document: Document) -> bool:
        """Write a new version to a store; whether it took it. It does not where it has one as new."""
        written = self._redis_says(
            part,
            *("XADD", keys.CONFIGURATION, "MAXLEN", "~", str(keys.CONFIGURATIONS_KEPT)),
            *(f"{document.version}-0", "document", document.text()),
        )
        return written is not None

    def withhold_configuration(self, part: Part) -> None:
        """Let no part read the configuration from a store. Raises Failure when it does not answer."""
        for user in READERS:
            self._tell(part, "ACL", "SETUSER", user, f"-{READS.lower()}")

    def yield_configuration(self, part: Part) -> None:
        """Let parts read it again. No failure while it does not answer: what was withheld went with it."""
        if self.withholds_configuration(part):
            for user in READERS:
                self._tell(part, "ACL", "SETUSER", user, f"+{READS.lower()}")
            self._redis_says(part, "CONFIG", "REWRITE")  # Sentinel may have had it written down meanwhile

    def withholds_configuration(self, part: Part) -> bool:
        """Whether a store lets no part read it; false for one that does not answer."""
        if part.kind != "store":
            return False
        asked = (READS, keys.CONFIGURATION, "+", "-", "COUNT", "1")
        said = [self._redis_says(part, "ACL", "DRYRUN", user, *asked) for user in READERS]
        return any(one is not None and one != b"OK" for one in said)
