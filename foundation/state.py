"""The state folder of one site: where everything about it is kept, and what may be read from outside it.

Imports only the standard library: load tests and the prober's tools use it too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from foundation.failure import USAGE, Failure

UNFINISHED = "site.json.[0-9]*"
"""A site.json whose writing was cut short."""

OURS = (
    "site.json",
    UNFINISHED,
    "population.json",
    "population.new",
    "pki",
    "secrets",
    "operators",
    "record",
    "releases",
    "chaos",
    "logs",
    "run",
    "volumes",
    "reports",
)
"""What failwhale makes in a state folder. Nothing else there is ever touched."""


class State:
    """Paths below one state folder, and the few facts that are read from there (never cached)."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).absolute()

    @classmethod
    def from_environment(cls) -> State:
        """The folder named by FAILWHALE_STATE, or `.failwhale` here."""
        return cls(os.environ.get("FAILWHALE_STATE", ".failwhale"))

    @classmethod
    def of(cls, path: str | None) -> State:
        """The folder at this path; without one, that of the environment."""
        return cls.from_environment() if path is None else cls(path)

    @property
    def option(self) -> str:
        """What a command about it has to say, after a space; nothing where it is meant without."""
        return "" if self.path == State.from_environment().path else f" --state {self.path}"

    # --- places ---

    @property
    def site_file(self) -> Path:
        return self.path / "site.json"

    @property
    def pki(self) -> Path:
        return self.path / "pki"

    @property
    def ca(self) -> Path:
        """The certificate authority that the public edges and the services are signed by."""
        return self.pki / "ca.pem"

    @property
    def client_certificate(self) -> Path:
        """The operators' certificate for the internal mutual TLS listeners."""
        return self.pki / "client.pem"

    @property
    def client_key(self) -> Path:
        return self.pki / "client.key"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets"

    @property
    def operators(self) -> Path:
        """What only those know who break the site and mend it."""
        return self.path / "operators"

    @property
    def record(self) -> Path:
        return self.path / "record"

    @property
    def ledger(self) -> Path:
        return self.record / "ledger.ndjson"

    @property
    def journal(self) -> Path:
        """The write-ahead journal of the chaos controller."""
        return self.path / "chaos" / "journal.ndjson"

    @property
    def releases(self) -> Path:
        """What each part was told to run: see services.platform.release."""
        return self.path / "releases"

    @property
    def rules(self) -> Path:
        """The rules by which Prometheus goes."""
        return self.volume("rules")

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def run(self) -> Path:
        """Process ids, leases and the supervisor's socket; gone when the site is down."""
        return self.path / "run"

    @property
    def reports(self) -> Path:
        return self.path / "reports"

    @property
    def has_reports(self) -> bool:
        """Whether there are reports, which outlive their site."""
        return self.reports.is_dir() and not self.reports.is_symlink() and any(self.reports.iterdir())

    # Volumes of the compose file that have a place of their own; any other lies below `volumes/`.
    _NAMED = ("pki", "secrets", "operators", "record", "releases", "chaos")

    def volume(self, name: str) -> Path:
        """What the named volume of the compose file is to plain processes."""
        if name == "state":
            return self.path  # what the controller keeps there on Docker, this folder is here
        if name.startswith("pki-"):
            return self.pki / name.removeprefix("pki-")  # of one part, below the authority's
        return self.path / name if name in self._NAMED else self.path / "volumes" / name

    # --- whose folder it is ---

    @property
    def is_made(self) -> bool:
        """Whether a site was ever started here. Raises Failure when this cannot be a state folder at all."""
        try:
            self.site_file.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise self.unusable(error) from None
        return True

    @property
    def is_ours(self) -> bool:
        """Whether what `OURS` lists may be taken for failwhale's. Without a site its name says so, as the
        demo leaves its report in `.failwhale/`, or what is left of a first start that was cut short, or that
        there is nothing but reports of a site that was removed."""
        if self.is_made or self.path.name == ".failwhale" or any(self.path.glob(UNFINISHED)):
            return True
        return self.has_reports and list(self.path.iterdir()) == [self.reports]

    def refuse_foreign(self) -> None:
        """Raises Failure when a site must not be made here: where other things are, nobody could tell
        later what may be removed."""
        try:
            inside = next(self.path.iterdir(), None)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self.unusable(error) from None
        if inside is not None and not self.is_ours:
            raise Failure(
                f"{self.path} holds other things ({inside.name}) and no site",
                "choose an empty or a new folder with --state",
                USAGE,
            )

    def entries(self) -> Iterator[Path]:
        """What is there of the things that failwhale makes."""
        for pattern in OURS:
            yield from self.path.glob(pattern)

    def unusable(self, error: OSError) -> Failure:
        """The one answer to a folder that is a file, that may not be entered, that cannot be made."""
        return Failure(
            f"{self.path} cannot be the state folder: {(error.strerror or str(error)).lower()}",
            "choose another with --state",
            USAGE,
        )

    # --- facts ---

    @property
    def token(self) -> str:
        """The site's control token. Raises Failure when the site has never been up."""
        return self._secret(self.secrets / "token", "control token")

    @property
    def store_password(self) -> str:
        """The password of the store's user `chaos`, who may do everything there. Raises Failure likewise."""
        return self._secret(self.operators / "store", "password of the store")

    def _secret(self, file: Path, what: str) -> str:
        try:
            return file.read_text().strip()
        except FileNotFoundError:
            raise Failure(f"the site in {self.path} has no {what} yet", "start it: failwhale up") from None
