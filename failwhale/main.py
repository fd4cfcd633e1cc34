"""The command `failwhale`: done here, or in the container of the controller, when the site is on Docker."""

from __future__ import annotations

import os
import sys

from foundation.failure import INTERRUPTED, Failure


def main() -> None:
    """Run the command of this process. In the controller's container it comes in as root, and goes on as
    less."""
    words = sys.argv[1:]
    try:
        if "ENGINE" in os.environ:
            from testbed.runtimes.docker import privileges

            privileges.drop()
        from failwhale import forward

        order = forward.order_of(words)
        if order is not None:
            sys.exit(forward.run(order))
    except Failure as failure:
        from foundation.console import report

        report(failure.message, failure.next_step)
        sys.exit(failure.code)
    except KeyboardInterrupt:  # on the way in or out; a command that runs inside is told of it
        from foundation.console import report

        report("interrupted")
        sys.exit(INTERRUPTED)
    from failwhale import verbs
    from foundation import console

    sys.exit(console.run(verbs.app, "failwhale", words))
