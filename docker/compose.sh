#!/bin/sh
# `docker compose ARGS...` in this repository's folder, for people: `sh docker/compose.sh up -d --wait`.
#
# What is missing (Docker, its engine, the right to talk to it, Compose) is said before Compose runs, and why it failed
# afterwards: in one line with a next step below it, on stderr. What Compose itself says passes through. Exit codes: 0,
# 1 for what failed, 2 for what was asked wrongly, 130 when it was interrupted. With STEPS_APART=yes, for a program, each
# next step is a line of its own.
set -u
cd "$(dirname "$0")/.." || exit 1

# Of --wait-timeout. What docker-compose.yml itself uses is older: 2.7.0 waits for a container that ends by itself.
least=2.17.0

fail() { # cause, next step, [exit code]
    printf 'failwhale: %s\n' "$1" >&2
    [ -z "$2" ] || printf '  %s\n' "$2" >&2
    exit "${3:-1}"
}

# --- what is asked: the command behind the options that come first, and the file

command=
file=docker-compose.yml
detached=
awaited=
for word; do
    if [ -n "$command" ]; then
        case $word in -d | --detach | --wait) detached=yes ;; esac
        continue
    fi
    case $awaited in
        'the file') file=$word ;;
        'a value') ;;
        *)
            case $word in
                --file=*) file=${word#--file=} ;;
                -f | --file) awaited='the file' && continue ;;
                -p | --project-name | --project-directory | --profile | --env-file | --ansi | --parallel | --progress)
                    awaited='a value' && continue
                    ;;
                -*) ;;
                *) command=$word ;;
            esac
            ;;
    esac
    awaited=
done

# --- what there is

check_engine() {
    said=$(docker version --format '{{.Server.Version}}' 2>&1) && return
    address=${DOCKER_HOST:-$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null)}
    address=${address:-unix:///var/run/docker.sock}
    case $said in
        *"permission denied"*)
            socket=${address#unix://}
            # shellcheck disable=SC2012 # find and stat say it differently everywhere
            group=$(ls -ldL "$socket" 2>/dev/null | awk '{ print $4 }')
            fail "no permission to talk to Docker's engine: its socket $socket is for the group ${group:-docker}" \
                "join that group (it is as mighty as root), and log in anew: sudo usermod -aG ${group:-docker} $(id -un)"
            ;;
        *"annot connect to the Docker daemon"* | *"failed to connect to the docker API"* | *"rror during connect"*)
            case $(uname -s) in
                Linux) start="sudo systemctl start docker, or sudo service docker start" ;;
                *) start="open Docker Desktop" ;;
            esac
            case $address in
                unix://*) ;;
                *) start="DOCKER_HOST, or docker context, says which engine is meant" ;;
            esac
            fail "no Docker engine answers at $address" "start it: $start"
            ;;
    esac
    fail "Docker's engine cannot be used: $(printf '%s\n' "$said" | tail -n 1)" "see: docker version"
}

check_compose() {
    newer="install the package docker-compose-plugin (or docker-compose-v2), or a newer Docker Desktop"
    said=$(docker compose version --short 2>/dev/null) ||
        fail "Docker Compose is missing: this docker has no command 'compose'" "$newer; docker-compose 1 does not do"
    printf '%s\n' "${said#v}" | awk -F '[.+-]' -v least="$least" '{
        split(least, wanted, ".")
        for (i = 1; i <= 3; i++) if ($i + 0 != wanted[i] + 0) exit ($i + 0 < wanted[i] + 0)
    }' || fail "Docker Compose ${said#v} is too old: failwhale needs $least or newer" "$newer"
}

command -v docker >/dev/null ||
    fail "docker is missing" "install Docker Engine or Docker Desktop; or run the site without it: make up"
case $command in
    up | build | create | pull | run | start | restart | down | stop)
        check_compose
        check_engine
        ;;
    '' | config | version | help) exec docker compose "$@" ;;
    *)
        check_engine
        exec docker compose "$@"
        ;;
esac

# The controller's container gets the engine's socket. An engine without root has it elsewhere, also where one with root
# runs beside it. What .env says goes first, unless it is the default as in .env.example.
if [ -z "${DOCKER_SOCKET:-}" ] &&
    ! grep -sE '^ *(export +)?DOCKER_SOCKET *=' .env | grep -qvE '= *["'\'']?/var/run/docker\.sock'; then
    address=${DOCKER_HOST:-$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null)}
    case $address in unix:///run/user/*) export DOCKER_SOCKET="${address#unix://}" ;; esac
fi

# --- Compose runs. What it says on stderr is kept, to be understood afterwards.

log=$(mktemp "${TMPDIR:-/tmp}/failwhale-compose.XXXXXX") ||
    fail "no temporary file can be made in ${TMPDIR:-/tmp}" "make room there, or name another folder: TMPDIR=..."
trap 'rm -f "$log" "$log.stdout"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

quoted() {
    for word; do
        printf " '%s'" "$(printf '%s' "$word" | sed "s/'/'\\\\''/g")"
    done
}

# On a terminal Compose shows progress, and it does so only where its own stderr is one: `script` gives it one that is
# written down. Elsewhere, and without `script`, lines take its place; the builder writes its own on stdout. Where logs are
# followed, or a command's own output passes, stdout is not written down: there is no end to it.
endless=
case $command$detached in up | run*) endless=yes ;; esac

keep_stdout() { if [ -n "$endless" ]; then cat; else tee "$log.stdout"; fi; }

if [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && [ -z "$endless" ] && command -v script >/dev/null; then
    if script --version >/dev/null 2>&1; then # of util-linux
        SHELL=/bin/sh script -qefc "docker compose$(quoted "$@")" "$log"
    else # of BSD and macOS
        script -q "$log" docker compose "$@"
    fi
    code=$?
else
    # 3 takes the exit code, 4 is our stdout, 5 leads Compose's stderr past the first pipe.
    exec 4>&1
    code=$({
        { { docker compose "$@" 3>&- 4>&- 5>&-; echo $? >&3; } 2>&5 5>&- | keep_stdout >&4 3>&- 4>&- 5>&-; } 5>&1 |
            tee "$log" >&2 3>&- 4>&-
    } 3>&1)
    exec 4>&-
fi
[ "$code" != 0 ] || exit 0
[ "$code" != 130 ] || exit 130

# --- why it failed

escape=$(printf '\033')
said=$(cat "$log.stdout" "$log" 2>/dev/null | tr '\r' '\n' | sed "s/$escape\[[0-9;?]*[a-zA-Z]//g" | grep -v -e '^ *$' -e '^Script ' -e ' Warning ')

says() { printf '%s\n' "$said" | grep -qiE -e "$1"; }
told() { printf '%s\n' "$said" | sed -nE "$1" | tail -n 1; }

# The variable of the compose file that chooses a port, in the environment or .env.
variable_of() {
    sed -n 's/.*\${\([A-Z][A-Z_]*PORT\):-\([0-9]*\)}.*/\1 \2/p' "$file" 2>/dev/null | while read -r name default; do
        eval "value=\${$name:-}"
        [ -n "$value" ] || value=$(sed -n "s/^ *\(export \)\{0,1\}$name *= *[\"']\{0,1\}\([0-9]*\).*/\2/p" .env 2>/dev/null)
        if [ "${value:-$default}" = "$1" ]; then
            echo "$name"
            break
        fi
    done
}

port_is_taken() {
    port=$1
    holder=$(docker ps --filter "publish=$port" --format '{{.Names}}' 2>/dev/null | head -n 1)
    other=20000
    [ "$port" -ge 55000 ] || other=$((port + 10000))
    name=$(variable_of "$port")
    step="stop that"
    if [ -n "$name" ]; then
        edge=$(printf '%s' "$name" | sed 's/^FAILWHALE_//; s/_PORT$//' | tr '[:upper:]' '[:lower:]')
        step="$step, or choose another port: $name=$other in .env, or failwhale up --port $edge=$other"
    fi
    fail "port $port is taken by ${holder:+the container }${holder:-another program}" "$step"
}

image_is_out_of_reach() {
    # The error names the image when the builder wants it. Otherwise it is the first that is wanted and not here.
    image=$(told 's/.*source metadata for (docker\.io\/(library\/)?)?([^ ]+): .*/\3/p')
    if [ -z "$image" ]; then
        for image in $(docker compose -f "$file" config --images 2>/dev/null | grep -v '^failwhale:'); do
            docker image inspect "$image" >/dev/null 2>&1 || break
        done
    fi
    case $image in
        grafana/*) step="Grafana has no stand-in: leave it out, make docker-up-bare, or failwhale up --without grafana" ;;
        *) step="where there is none, make images-offline builds stand-ins from the distribution's packages" ;;
    esac
    fail "the image $image cannot be pulled: no registry is reached" "$step"
}

unreached='no such host|server misbehaving|i/o timeout|TLS handshake timeout|Client\.Timeout|request canceled while'
unreached="$unreached|network is unreachable|no route to host|connection refused|connection reset|proxyconnect"
unreached="$unreached|certificate signed by unknown authority|failed to verify certificate|context deadline exceeded"

address='(\[[0-9a-f:]*\]|[0-9.]+)'
port=$(told "s/.*(Bind for|listen tcp[46]?|host port for|host port|exposing port TCP) $address:([0-9]+).*(already|in use|not available|forbidden|Only one usage).*/\3/p")
[ -n "$port" ] || port=$(told "s/.*[Pp]orts are not available:.* $address:([0-9]+).*/\2/p")
[ -z "$port" ] || port_is_taken "$port"

if says 'no space left on device|disk quota exceeded|not enough (free )?(disk )?space'; then
    root=$(docker info --format '{{.DockerRootDir}}' 2>/dev/null)
    fail "the disk is full where Docker keeps images and volumes${root:+ ($root)}" \
        "make room and try again; docker system df says what takes it, docker builder prune frees what builds left"
fi
network=$(told 's/.*network ([^ ]+) (id [0-9a-f]+ )?has active endpoints.*/\1/p')
if [ -n "$network" ]; then
    fail "Docker's engine does not let go of the network $network" \
        "see who is on it: docker network inspect $network; if nobody is, the engine has miscounted: restart it"
fi
if says "(registry|/v[12]/|source metadata|resolve reference|failed to do request|pull).*($unreached)"; then
    image_is_out_of_reach
fi
if says 'toomanyrequests|pull rate limit'; then
    fail "the registry refuses more pulls for now" "log in (docker login), or wait and try again"
fi
if says 'pull access denied|manifest (for .* )?(unknown|not found)|manifest unknown|no matching manifest'; then
    fail "an image is not to be had: $(told 's/.*((pull access denied|manifest|no matching manifest).*)/\1/p')" \
        "PYTHON_IMAGE and the file's other image names say what is pulled"
fi
if says 'NameResolutionError|NewConnectionError|CERTIFICATE_VERIFY_FAILED|No matching distribution found'; then
    fail "the Python packages cannot be fetched while building" \
        "behind a company's proxy docker/proxy/pip.conf says where they are and docker/proxy/ca.crt whom to trust: see Dockerfile"
fi
if says 'unknown (shorthand )?flag|unknown docker command|unknown command|no such service|requires at least|accepts '; then
    fail "$(printf '%s\n' "$said" | tail -n 1)" "see: docker compose --help" 2
fi
socket=$(told 's/.*bind source path does not exist: (.*\.sock).*/\1/p')
if [ -n "$socket" ]; then
    fail "the engine's socket is not at $socket" "say where it is on the engine's machine: DOCKER_SOCKET=... in .env"
fi
part=$(told 's/.*container ([^ ]+) (is unhealthy|exited \([0-9]+\)|has no healthcheck).*/\1/p')
if [ -n "$part" ]; then
    and='; '
    [ -z "${STEPS_APART:-}" ] || and='
  '
    fail "$(told 's/.*(container [^ ]+ (is unhealthy|exited \([0-9]+\))).*/\1/p')" \
        "see: docker logs --tail 20 $part${and}stop what runs: failwhale down, or docker compose down"
fi
fail "docker compose ${command} failed: $(printf '%s\n' "$said" | tail -n 1)" "what it said before stands above"
