#!/bin/sh
# Starts one Sentinel. Environment: LISTEN (host:port), DATA (folder), PRIMARY (host:port of the first primary),
# ANNOUNCE (host:port that others reach it by), STORE_NAME. Its configuration is its memory (who is primary, who else
# votes), so it is written once and kept.
#
# down-after 800 ms and failover-timeout 1 s: a promotion takes about two seconds, and a vote that was split is soon
# repeated. A stall below 800 ms on a busy laptop must not look like a death.
set -eu
# Process 1 has a container of its own, where the names that Docker does not know are answered at once.
if [ $$ = 1 ]; then
    perl "$(dirname "$0")/no_such_name.pl" &
fi
conf="$DATA/sentinel.conf"
mkdir -p "$DATA"
if ! grep -qsx "port ${LISTEN##*:}" "$conf"; then
    cat > "$conf" <<CONF
bind ${LISTEN%:*}
port ${LISTEN##*:}
protected-mode no
dir "$DATA"
daemonize no
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel announce-ip ${ANNOUNCE%:*}
sentinel announce-port ${ANNOUNCE##*:}
sentinel monitor $STORE_NAME ${PRIMARY%:*} ${PRIMARY##*:} 2
sentinel down-after-milliseconds $STORE_NAME 800
sentinel failover-timeout $STORE_NAME 1000
sentinel parallel-syncs $STORE_NAME 1
CONF
fi
exec redis-sentinel "$conf"
