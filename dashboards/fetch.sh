#!/bin/sh
# Makes Prometheus and the Alertmanager available without root: nothing to do for one that is on PATH, otherwise Debian's
# or Ubuntu's own package is unpacked (not installed) below ~/.cache/failwhale. Failing is no error: the site works without
# either, only its monitoring is missing, or pages go another way, and one line says so.
set -u
home="${XDG_CACHE_HOME:-$HOME/.cache}/failwhale"
work=
trap '[ -z "$work" ] || rm -rf "$work"' EXIT INT TERM

# Downloads a package into the folder for it, and unpacks it there; otherwise `why` says what was in the way.
unpack() { # package, folder
    command -v apt-get >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1 || { why="no program on PATH" && return 1; }
    [ -n "$work" ] || work=$(mktemp -d) || { why="no temporary folder" && return 1; }
    # Where there are no package lists yet, they are fetched into our own folder, for the system's needs root.
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
    own="-o Dir::State::Lists=$work/lists -o Dir::Cache=$work/cache"
    # shellcheck disable=SC2086 # the options are several words
    (cd "$work" && { apt-get download "$1" || { apt-get $own update && apt-get $own download "$1"; }; }) >"$work/log" 2>&1 ||
        { why="its package could not be downloaded" && return 1; }
    mkdir -p "$2" && dpkg -x "$work/$1"_*.deb "$2" || { why="its package could not be unpacked" && return 1; }
}

get_prometheus() {
    if command -v prometheus >/dev/null 2>&1 || [ -x "$home/prometheus/usr/bin/prometheus" ]; then
        return
    fi
    if unpack prometheus "$home/prometheus"; then
        echo "Prometheus unpacked into $home/prometheus"
    else
        echo "Prometheus is missing ($why): the site runs without it. To have it, install the package 'prometheus'" \
            "or set FAILWHALE_PROMETHEUS to the program."
    fi
}

# Debian's build reads its templates in a folder of the system, without which it does not start. In the unpacked one that
# name is replaced by another of the same length, which says "here", and a script starts it where they are.
get_alertmanager() {
    program="$home/alertmanager/usr/bin/alertmanager"
    if command -v alertmanager >/dev/null 2>&1 || command -v prometheus-alertmanager >/dev/null 2>&1 || [ -x "$program" ]; then
        return
    fi
    templates=/usr/share/prometheus/alertmanager
    here=./././././././././././././././././
    if unpack prometheus-alertmanager "$home/alertmanager" &&
        LC_ALL=C sed "s|$templates|$here|g" "$home/alertmanager/usr/bin/prometheus-alertmanager" >"$program.here" &&
        printf '#!/bin/sh\ncd "%s" && exec "%s" "$@"\n' "$home/alertmanager$templates" "$program.here" >"$program" &&
        chmod +x "$program.here" "$program"; then
        echo "The Alertmanager unpacked into $home/alertmanager"
    else
        rm -f "$program"
        echo "The Alertmanager is missing (${why:-its package could not be unpacked}): Prometheus reports to the prober" \
            "itself. To have it, install the package 'prometheus-alertmanager' or set FAILWHALE_ALERTMANAGER to the program."
    fi
}

get_prometheus
why=
get_alertmanager
exit 0
