#!/bin/sh
# Starts the Alertmanager. Environment: LISTEN (host:port), DATA (folder for its silences, and for what it has told),
# CONFIG (this folder), PKI (certificates), RECEIVER (host:port): whom it tells of pages.
set -eu
mkdir -p "$DATA"
for file in alertmanager.yml web.yml amtool.yml; do
    sed "s|@PKI@|$PKI|g; s|@RECEIVER@|$RECEIVER|g" "$CONFIG/$file" > "$DATA/$file"
done

# It is alone: there is nobody to gossip with. What it knows is kept every few seconds, so that a silence outlives a kill.
exec alertmanager \
    --config.file="$DATA/alertmanager.yml" \
    --web.config.file="$DATA/web.yml" \
    --web.listen-address="$LISTEN" \
    --storage.path="$DATA/state" \
    --data.maintenance-interval=5s \
    --cluster.listen-address= \
    --log.level=warn
