"""``python -m chaos.healthcheck``: the health check of the controller.

In its container the check begins as root, which has no right to read the site's keys there. So it becomes the
site's user first, as the controller did.
"""

import sys

from foundation.failure import Failure
from services.platform.healthcheck import main
from testbed.runtimes.docker.privileges import drop

if __name__ == "__main__":
    try:
        drop()
    except Failure as failure:
        sys.exit(f"{failure.message} ({failure.next_step})")
    main()
