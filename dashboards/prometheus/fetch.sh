#!/bin/sh
# Makes a Prometheus server available without root: nothing to do when one is on PATH, otherwise Debian's or Ubuntu's
# own package is unpacked (not installed) below ~/.cache/failwhale. Failing is no error: the site works without
# Prometheus, only its monitoring is missing, and one line says so.
set -u
home="${XDG_CACHE_HOME:-$HOME/.cache}/failwhale/prometheus"

if command -v prometheus >/dev/null 2>&1 || [ -x "$home/usr/bin/prometheus" ]; then
    exit 0
fi
missing() {
    echo "Prometheus is missing ($1): the site runs without it. To have it, install the package 'prometheus'" \
        "or set FAILWHALE_PROMETHEUS to the program."
    exit 0
}
command -v apt-get >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1 || missing "no server on PATH"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
cd "$work" || missing "no temporary folder"
if ! apt-get download prometheus >log 2>&1; then
    # No package lists yet: fetch them into our own folder, for the system's needs root.
    mkdir -p lists/partial cache/archives/partial
    set -- -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache"
    apt-get "$@" update >log 2>&1 && apt-get "$@" download prometheus >>log 2>&1 || missing "its package could not be downloaded"
fi
mkdir -p "$home" && dpkg -x prometheus_*.deb "$home" && [ -x "$home/usr/bin/prometheus" ] ||
    missing "its package could not be unpacked"
echo "Prometheus unpacked into $home"
