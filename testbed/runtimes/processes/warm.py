"""What makes the parent warm: the modules its parts need, imported once, so that a fork has them for
nothing."""

from __future__ import annotations

import gc
import ssl
import sys
import threading
import traceback
from collections.abc import Iterable

from testbed.runtimes.processes.immortal import make_immortal
from testbed.runtimes.processes.launch import CAN_FORK, import_module


class Warm:
    """Imports one module per `step`, so that the supervisor can do other things meanwhile."""

    def __init__(self, modules: Iterable[str]) -> None:
        # Without fork every part imports for itself.
        self._pending = list(dict.fromkeys(modules)) if CAN_FORK else []
        self._pending.reverse()

    @property
    def is_ready(self) -> bool:
        return not self._pending

    def has(self, module: str) -> bool:
        """Whether this module is imported, or was tried in vain (the part's own log then shows why)."""
        return module not in self._pending

    def step(self) -> bool:
        """Import the next module. Returns whether there is more to do."""
        if self._pending:
            module = self._pending[-1]
            try:
                import_module(module)
            except Exception:
                print(f"{module} cannot be imported; its part will say the same:", file=sys.stderr)
                traceback.print_exc()
            self._pending.pop()
            if not self._pending:
                self._freeze()
        return bool(self._pending)

    @staticmethod
    def _freeze() -> None:
        """Keep every child off the shared pages, its reference counts and its garbage collector: touching is
        copying."""
        # What these load at first use is half a megabyte that no child needs to have for itself.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        import_module("encodings.idna")
        gc.collect()
        make_immortal()
        gc.freeze()
        if threading.active_count() > 1:
            # A lock that another thread holds at the moment of a fork stays locked in the child for ever.
            print(f"importing started threads: {threading.enumerate()}", file=sys.stderr)
