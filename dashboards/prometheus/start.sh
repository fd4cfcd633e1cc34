#!/bin/sh
# Starts Prometheus. Environment: LISTEN (host:port), DATA (folder for its database), CONFIG (this folder),
# RULES (folder for the rules by which it goes), PKI (certificates), TARGETS ("post@east=host:port ..."): the parts to
# scrape, ALERTMANAGER (host:port): who is told of alerts, LEFT_OUT ("alertmanager ..."): optional parts that this site
# has not, PROBER (host:port): who is told instead.
#
# The targets come from the environment, because on plain processes every address is another one.
set -eu
mkdir -p "$DATA" "$RULES"
# What somebody has done to the rules ends here.
rm -f "$RULES"/*
cp "$CONFIG"/*.rules.yml "$CONFIG"/rule_sets/*.rules.yml "$RULES/"
sed "s|@PKI@|$PKI|g; s|@RULES@|$RULES|g" "$CONFIG/prometheus.yml" > "$DATA/prometheus.yml"

is_left_out() {
    case " $LEFT_OUT " in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

separator='['
for target in $TARGETS; do
    part=${target%%=*}
    if is_left_out "$part"; then continue; fi
    service=${part%@*}
    place=${part#"$service"}
    printf '%s{"targets":["%s"],"labels":{"part":"%s","service":"%s","place":"%s"}}' \
        "$separator" "${target#*=}" "$part" "$service" "${place#@}"
    separator=','
done > "$DATA/targets.json"
echo ']' >> "$DATA/targets.json"
if is_left_out alertmanager; then receiver=$PROBER; else receiver=$ALERTMANAGER; fi
echo "[{\"targets\":[\"$receiver\"]}]" > "$DATA/receiver.json"

# What was measured in the last minutes is in memory, and by default that is up to three hours of it: of 53 MB at the start
# there were 89 after one. A lab writes it to disk every ten minutes.
#
# A part that is gone shall be gone on the dashboard within seconds, also when it was Prometheus itself that was away. And
# an Alertmanager that was away is told within seconds what it was not told.
exec prometheus \
    --config.file="$DATA/prometheus.yml" \
    --storage.tsdb.path="$DATA/tsdb" \
    --storage.tsdb.retention.time=24h \
    --storage.tsdb.min-block-duration=10m \
    --web.listen-address="$LISTEN" \
    --query.lookback-delta=10s \
    --rules.alert.resend-delay=10s \
    --log.level=warn
