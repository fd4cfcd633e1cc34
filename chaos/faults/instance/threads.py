"""threads: all threads of the part's pool are occupied for ever, so what needs one waits in vain."""

import secrets
import time

from chaos.fault import Demonstration, Injection, Proof, register
from chaos.faults.instance.strain_fault import StrainFault
from testbed.control import Silent
from testbed.site import Site

_PATIENCE = 0.5
"""Seconds. A password is checked in some milliseconds."""
_AS_EVER = 5
"""How many times longer than what needs no thread one must wait who needs one."""


class Threads(StrainFault):
    name = "threads"
    help = (
        "Occupy every thread of the pool in which passwords are checked. Who logs in or signs up waits, and "
        "is refused then; all else, sessions included, needs no thread."
    )
    example = "failwhale chaos threads auth:all --for 20s"
    targets = ("auth",)
    demonstration = Demonstration("auth:all", hurts={"login": "down"})

    def seen(self, site: Site, injection: Injection) -> Proof:
        """A login of an account that there is not, which costs the check of a password as every other."""
        part = injection.part
        began = time.monotonic()
        site.answers(part)
        usual = time.monotonic() - began
        patience = max(_PATIENCE, _AS_EVER * usual)
        login = {"name": f"nobody{secrets.token_hex(4)}", "password": secrets.token_hex(8)}
        try:
            answer = site.entrance(part, patience).ask("POST", "/api/v1/sessions", login)
        except Silent:
            return Proof(
                True, f"{part.name} answers after {usual:.2g} s, and no login within {patience:.2g} s"
            )
        return Proof(None, f"{part.name} has checked a password, with status {answer.status}")


register(Threads())
