#!/bin/sh
# Starts Prometheus. Environment: LISTEN (host:port), DATA (folder for its database), CONFIG (this folder),
# PKI (certificates), TARGETS ("post@east=host:port ..."): the parts to scrape.
#
# The targets come from the environment, because on plain processes every address is another one.
set -eu
mkdir -p "$DATA/rules"
cp "$CONFIG"/*.rules.yml "$DATA/rules/"
sed "s|@PKI@|$PKI|g" "$CONFIG/prometheus.yml" > "$DATA/prometheus.yml"

separator='['
for target in $TARGETS; do
    part=${target%%=*}
    service=${part%@*}
    place=${part#"$service"}
    printf '%s{"targets":["%s"],"labels":{"part":"%s","service":"%s","place":"%s"}}' \
        "$separator" "${target#*=}" "$part" "$service" "${place#@}"
    separator=','
done > "$DATA/targets.json"
echo ']' >> "$DATA/targets.json"

# A part that is gone shall be gone on the dashboard within seconds, also when it was Prometheus itself that was away.
exec prometheus \
    --config.file="$DATA/prometheus.yml" \
    --storage.tsdb.path="$DATA/tsdb" \
    --storage.tsdb.retention.time=24h \
    --web.listen-address="$LISTEN" \
    --query.lookback-delta=10s \
    --log.level=warn
