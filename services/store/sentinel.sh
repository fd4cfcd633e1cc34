#!/bin/sh
# Starts one Sentinel. Environment: LISTEN (host:port), DATA (folder), PRIMARY (host:port of the first primary),
# ANNOUNCE (host:port that others reach it by), STORE_NAME, ACCESS (folder: who may do what here, and the password that a
# sentinel shows to stores and to the other sentinels). Its configuration is its memory (who is primary, who else
# votes), so it is written once and kept.
#
# down-after 800 ms: a stall below that on a busy laptop must not look like a death. failover-timeout 1.5 s: a vote that was
# split is repeated after twice that. It may not be shorter: a Sentinel that promotes a replica asks it for its new role once
# a second, and one that has no answer by failover-timeout gives up, names the old primary, and leaves the new one to itself.
set -eu
umask 077
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
sentinel failover-timeout $STORE_NAME 1500
sentinel parallel-syncs $STORE_NAME 1
CONF
fi
# At each start, because passwords are genesis's.
password=$(cat "$ACCESS/sentinel")
{
    grep -v -e '^user ' -e '^sentinel auth-' -e '^sentinel sentinel-' "$conf"
    cat "$ACCESS/sentinel.users"
    echo "sentinel auth-user $STORE_NAME sentinel"
    echo "sentinel auth-pass $STORE_NAME $password"
    echo "sentinel sentinel-user sentinel"
    echo "sentinel sentinel-pass $password"
} > "$conf.new"
mv "$conf.new" "$conf"
# Every Sentinel asks every store who it is once a second, not every ten: so it soon knows who follows whom, and who may be
# promoted. That is no line of a configuration, so it is told once it runs.
(
    tries=100
    until REDISCLI_AUTH=$password redis-cli --user sentinel -p "${LISTEN##*:}" sentinel debug info-period 1000 \
        >/dev/null 2>&1 || [ $((tries -= 1)) = 0 ]; do
        sleep 0.1
    done
) &
exec redis-sentinel "$conf"
