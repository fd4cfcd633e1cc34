"""restore-token-key: the key that signs sessions is in its place again, and every part goes by it."""

from __future__ import annotations

from foundation.failure import Failure
from operations.operation import OnParts, Order, names_of, register


class RestoreTokenKey(OnParts):
    name = "restore-token-key"
    help = (
        "Have everybody go by the one key that signs sessions. Where its file was lost it is put back from "
        "where it lies; parts that sign or verify with another key read it anew."
    )
    example = "failwhale ops restore-token-key frontend:all,auth:all"
    kinds = ("service",)
    services = ("frontend", "auth")
    usual = "frontend:all,auth:all"
    target_help = "frontend:all,auth:all; or one of them"

    def carry_out(self, order: Order) -> str:
        key = order.site.token_key
        was_lost = key.is_lost
        key.restore()
        if why := key.why_unread():
            raise Failure(f"there is no key to go by: {why}", "from a new site: failwhale down, failwhale up")
        for part in order.parts:
            order.site.set_right(part, "token-key")
        put_back = "the key is in its place again; " if was_lost else ""
        return f"{put_back}goes by it: {names_of(order.parts)}"


register(RestoreTokenKey())
