#!/bin/sh
# Builds stand-ins for the base images, for rooms that no registry reaches: `make images-offline`.
#
# A stand-in is not the image whose name it bears. It is one root file system, made from the packages of the
# distribution by debootstrap and imported under every name that the Dockerfile and docker-compose.yml ask for: the same
# programs in the distribution's versions, without the image's own entrypoint, and larger. What runs on it is good for
# trying the site and for checks, and says nothing about the real images. They are had by removing the stand-ins
# (`docker/stand-ins.sh --remove`) and pulling. Grafana is in no distribution: it has no stand-in. So a line in .env
# leaves it out, unless its image is here, or .env says already which files Docker Compose reads.
#
# `--names` only lists those names, and needs nothing. The rest needs root, debootstrap and an engine. MIRROR names the
# source of the packages; otherwise this machine's own is used.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
suite=bookworm
packages=python3,python3-venv,ca-certificates,redis-server,redis-sentinel,redis-tools,prometheus,prometheus-alertmanager

fail() {
    echo "stand-ins: $1" >&2
    exit 1
}

# Every base image that is asked for, but for the site's own (which has a build) and Grafana's.
names() {
    {
        sed -n 's/^ARG PYTHON_IMAGE=//p' "$here/Dockerfile"
        sed -n 's/^ *image: *\([^ #]*\).*/\1/p' "$here/docker-compose.yml"
    } | grep -v -e '^failwhale:' -e '^grafana/' | sort -u
}

if [ "${1:-}" = --names ]; then
    names
    exit 0
fi

is_here() {
    docker image inspect "$1" >/dev/null 2>&1
}

by_us='# by make images-offline: Grafana has no stand-in'

leave_grafana_out() {
    grafana=$(sed -n 's/^ *image: *\(grafana[^ #]*\).*/\1/p' "$here/docker-compose.yml")
    if is_here "$grafana"; then
        return
    fi
    if grep -qs '^ *\(export  *\)\{0,1\}COMPOSE_FILE *=' "$here/.env"; then
        grep -qs 'docker/without-grafana.yml' "$here/.env" ||
            echo "Grafana has no stand-in. Leave it out: add docker/without-grafana.yml to COMPOSE_FILE in .env"
        return
    fi
    [ -z "$(tail -c 1 "$here/.env" 2>/dev/null)" ] || echo >>"$here/.env" # its last line has no end
    printf '%s\nCOMPOSE_FILE=docker-compose.yml:docker/without-grafana.yml\n' "$by_us" >>"$here/.env"
    echo "Grafana has no stand-in, and is left out: .env names docker/without-grafana.yml now"
}

take_grafana_in() {
    grep -qsxF "$by_us" "$here/.env" || return 0
    # That line and the next.
    awk -v by_us="$by_us" '$0 == by_us { skip = 2 } skip-- > 0 { next } 1' "$here/.env" >"$here/.env.new"
    if [ -s "$here/.env.new" ]; then mv "$here/.env.new" "$here/.env"; else rm "$here/.env.new" "$here/.env"; fi
    echo "Grafana is in again: .env does not leave it out any more"
}

command -v docker >/dev/null || fail "docker is missing: install it first"
docker version >/dev/null 2>&1 || fail "no engine answers: start it, or see what 'docker version' says"

if [ "${1:-}" = --remove ]; then
    for name in $(names); do
        if [ "$(docker image inspect --format '{{index .Config.Labels "failwhale.stand-in"}}' "$name" 2>/dev/null)" = true ]; then
            docker image rm --no-prune "$name"
        fi
    done
    take_grafana_in
    exit 0
fi

[ "$(id -u)" = 0 ] || fail "debootstrap needs root: run it as root, or with sudo"
command -v debootstrap >/dev/null || fail "debootstrap is missing: install the package 'debootstrap'"

mirror=${MIRROR:-}
if [ -z "$mirror" ] && command -v apt-get >/dev/null; then
    # The first source that has the suite itself, and not only updates of it.
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' 2>/dev/null |
        awk -v suite="$suite" '$2 == suite { print $1; exit }')
fi
[ -n "$mirror" ] || fail "this machine's apt knows no source of Debian $suite: name one, MIRROR=... make images-offline"

# A real image is never replaced: only what is missing, or is a stand-in already.
wanted=
for name in $(names); do
    if label=$(docker image inspect --format '{{index .Config.Labels "failwhale.stand-in"}}' "$name" 2>/dev/null) &&
        [ "$label" != true ]; then
        echo "$name is here, and real: kept"
    else
        wanted="$wanted $name"
    fi
done
if [ -z "$wanted" ]; then
    leave_grafana_out
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
root=$work/root
echo "Debian $suite into a folder: about a minute"
debootstrap --variant=minbase --include="$packages" "$suite" "$root" "$mirror" >"$work/log" 2>&1 || {
    tail -n 5 "$work/log" >&2
    fail "debootstrap failed, as above"
}

# What the real images have and the packages do not: `python`, a program by its own name, the users' numbers, folders that
# those users own (a new volume takes over the owner of the folder that it covers).
ln -s python3 "$root/usr/bin/python"
ln -s prometheus-alertmanager "$root/usr/bin/alertmanager"
chroot "$root" groupmod -g 999 redis
chroot "$root" usermod -u 999 redis
install -d -o 999 -g 999 "$root/data"
install -d -o 65534 -g 65534 "$root/prometheus"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/doc/* "$root"/usr/share/man/*
rm -rf "$root/usr/share/locale" "$root"/var/log/*
# How this machine reaches its packages is its own business.
rm -f "$root/etc/apt/sources.list" "$root/etc/resolv.conf" "$root/etc/hostname"

image=$(tar -C "$root" --numeric-owner -c . | docker import --change 'LABEL failwhale.stand-in=true' \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' --change 'ENV LANG=C.UTF-8' \
    --change 'CMD ["sh"]' -) || fail "docker import failed"
for name in $wanted; do
    docker tag "$image" "$name"
    echo "$name: a stand-in of Debian's packages"
done
echo "These are stand-ins, not the images of those names."
leave_grafana_out
