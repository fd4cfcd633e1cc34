#!/bin/sh
# Starts one Redis of the pair. Environment: LISTEN (host:port), DATA (folder), ANNOUNCE (host:port that others
# reach it by), REPLICA_OF (host:port of the first primary; absent on that one), SENTINELS (host:port,...), STORE_NAME,
# ACCESS (folder: who may do what here, and the password that a store shows to the other one and to the sentinels).
#
# The configuration is written once and kept: Sentinel rewrites it when roles change. What Sentinel cannot rewrite is
# the file of a store that is dead, so one that comes back first asks who is primary by now. Otherwise it would think
# itself primary until Sentinel corrects that, and for those ten seconds nothing would be replicated.
#
# appendfsync no: every write is handed to the system before it is acknowledged, so a killed process loses nothing.
# Only a power cut would, and against that stands the replica.
#
# repl-backlog-size 2mb: at rest a minute of writes. A replica that was away for longer copies everything, which is a few MB.
set -eu
umask 077
# Process 1 has a container of its own, where the names that Docker does not know are answered at once.
if [ $$ = 1 ]; then
    perl "$(dirname "$0")/no_such_name.pl" &
fi
conf="$DATA/redis.conf"
mkdir -p "$DATA"
password=$(cat "$ACCESS/replication")

# Prints "EPOCH HOST PORT" of the latest promotion that any sentinel knows; nothing while no sentinel answers.
latest_promotion() {
    patiently=$(command -v timeout >/dev/null && echo "timeout 1" || true)
    for sentinel in $(echo "$SENTINELS" | tr ',' ' '); do
        REDISCLI_AUTH=$password $patiently redis-cli --user replication \
            -h "${sentinel%:*}" -p "${sentinel##*:}" sentinel master "$STORE_NAME" 2>/dev/null |
            awk 'NR % 2 { key = $0; next } { value[key] = $0 }
                 END { if ("ip" in value) print value["config-epoch"], value["ip"], value["port"] }'
    done | sort -n | tail -n 1
}

# Replaces the lines of the configuration that match by those on standard input.
settle() {
    { grep -v "$@" "$conf"; cat; } > "$conf.new"
    mv "$conf.new" "$conf"
}

if grep -qsx "port ${LISTEN##*:}" "$conf"; then
    promoted=$(latest_promotion)
    primary=${promoted#* }
    if [ -n "$promoted" ] && [ "$primary" != "${ANNOUNCE%:*} ${ANNOUNCE##*:}" ]; then
        settle -e '^replicaof ' -e '^slaveof ' <<CONF
replicaof $primary
CONF
    fi
else
    cat > "$conf" <<CONF
bind ${LISTEN%:*}
port ${LISTEN##*:}
protected-mode no
dir "$DATA"
daemonize no
save ""
appendonly yes
appendfsync no
repl-diskless-sync yes
repl-diskless-sync-delay 0
repl-backlog-size 2mb
repl-timeout 10
replica-announce-ip ${ANNOUNCE%:*}
replica-announce-port ${ANNOUNCE##*:}
tcp-backlog 511
CONF
    if [ -n "${REPLICA_OF:-}" ]; then
        echo "replicaof ${REPLICA_OF%:*} ${REPLICA_OF##*:}" >> "$conf"
    fi
fi
# At each start, because passwords are genesis's. A store may become a replica at any time, so it knows what to show.
#
# Redis reads its append-only file as the user `default`, and checks at each EXEC in it whether that one may do what it says. With
# the few rights that anybody has here it would drop every transaction, and that is nearly all that the site writes. So until
# the file is read `default` may do everything and nobody can be it; then a user made for that gives it its rights, and goes.
loader=$(head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n')
# Limits are those below, whatever Sentinel wrote down when it rewrote the file while somebody had changed them.
settle -e '^user ' -e '^masteruser ' -e '^masterauth ' -e '^maxmemory ' -e '^maxclients ' <<CONF
maxclients 1000
$(grep -v '^user default ' "$ACCESS/store.users")
user default off ~* &* +@all
user loader on >$loader resetkeys resetchannels -@all +ping +acl|setuser +acl|deluser
masteruser replication
masterauth $password
CONF
as_loader() {
    REDISCLI_AUTH=$loader redis-cli --user loader -p "${LISTEN##*:}" "$@" 2>/dev/null
}
rights=$(sed -n 's/^user default //p' "$ACCESS/store.users")
(
    while kill -0 $$ 2>/dev/null; do
        if [ "$(as_loader ping)" = PONG ]; then
            # shellcheck disable=SC2086  # each rule is a word
            as_loader acl setuser default reset $rights
            as_loader acl deluser loader
            break
        fi
        sleep 0.01  # until then nobody sees that the store is ready, and the next part waits for that
    done
) >/dev/null &
# A file that may not grow is no reason to die: Redis says so to whoever writes, and goes on once there is room.
trap '' XFSZ
exec redis-server "$conf"
