#!/bin/sh
# Starts one Redis of the pair. Environment: LISTEN (host:port), DATA (folder), ANNOUNCE (host:port that others
# reach it by), REPLICA_OF (host:port of the first primary; absent on that one).
#
# The configuration is written once and kept: Sentinel rewrites it when roles change, so that a store which comes
# back remembers whose replica it is.
set -eu
conf="$DATA/redis.conf"
mkdir -p "$DATA"
if ! grep -qsx "port ${LISTEN##*:}" "$conf"; then
    cat > "$conf" <<CONF
bind ${LISTEN%:*}
port ${LISTEN##*:}
protected-mode no
dir "$DATA"
daemonize no
save ""
appendonly yes
appendfsync everysec
repl-diskless-sync yes
repl-diskless-sync-delay 0
repl-backlog-size 16mb
repl-timeout 10
replica-announce-ip ${ANNOUNCE%:*}
replica-announce-port ${ANNOUNCE##*:}
tcp-backlog 511
CONF
    if [ -n "${REPLICA_OF:-}" ]; then
        echo "replicaof ${REPLICA_OF%:*} ${REPLICA_OF##*:}" >> "$conf"
    fi
fi
exec redis-server "$conf"
