#!/bin/sh
# Exit 0 when this Prometheus answers queries. Environment: LISTEN. The image has wget and no Python; a machine that runs
# the site as plain processes has Python and perhaps no wget.
set -eu
url="http://127.0.0.1:${LISTEN##*:}/-/ready"
if command -v wget >/dev/null; then
    exec wget -q -T 2 -O /dev/null "$url"
fi
exec python -I -S -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=2)' "$url"
