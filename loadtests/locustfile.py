"""The users of the site for Locust's own command line:

    FAILWHALE_STATE=.failwhale locust -f loadtests/locustfile.py --headless -u 20 -r 5 -t 30s

`loadtests/shapes/` holds the same users with a shape each. Where the site is: loadtests/target.py.
"""

from loadtests.users import Careful, Poster, Reader, Retweeter

__all__ = ["Careful", "Poster", "Reader", "Retweeter"]
