#!/usr/bin/env bash
# A throwaway PostgreSQL for tests, on 127.0.0.1, with flushes on, since what is tested is durability.
#
#   start DIR PORT [PID]  make a cluster in DIR, serve it (port 0: a free one), print its URL;
#                         with PID, the cluster goes when that process ends, however it ends
#   halt DIR [MODE]       stop the server and keep its data (MODE: fast, or immediate as in a crash)
#   resume DIR            serve the same data on the same port again
#   stop DIR              stop the server and remove DIR
set -euo pipefail

usage() {
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

# Where the newest installed server is.
programs() {
    local found
    # The names of these folders are those that packages give them.
    # shellcheck disable=SC2012
    for found in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -rn) "$(dirname "$(command -v postgres || echo /)")"; do
        if [[ -x $found/postgres && -x $found/initdb ]]; then
            echo "$found"
            return
        fi
    done
    echo "no PostgreSQL server is installed (on Debian: apt-get install postgresql)" >&2
    return 1
}

# PostgreSQL refuses to run as root, so root hands the cluster to a user without rights.
owner() {
    if id postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}
unprivileged() {
    if [[ $(id -u) != 0 ]]; then
        "$@"
    else
        (cd / && exec setpriv --reuid "$(owner)" --regid "$(id -g "$(owner)")" --clear-groups "$@")
    fi
}

taken() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

start() {
    local dir=$1 port=$2 pid=${3:-} data=$1/data bin
    bin=$(programs)
    if [[ $port == 0 ]]; then
        port=$((20000 + RANDOM % 10000))
        while taken "$port"; do port=$((port + 1)); done
    fi
    mkdir -p "$data"
    chmod 755 "$dir"
    chmod 700 "$data"
    if [[ $(id -u) == 0 ]]; then chown "$(owner)" "$data"; fi
    unprivileged "$bin/initdb" -D "$data" -U postgres -A trust -E UTF8 --locale=C --no-instructions >"$dir/initdb.log" 2>&1 ||
        { cat "$dir/initdb.log" >&2; return 1; }
    cat >>"$data/postgresql.conf" <<SETTINGS
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
max_connections = 200
max_wal_size = 4GB
min_wal_size = 2GB
backend_flush_after = 1MB
SETTINGS
    resume "$dir"
    if [[ -n $pid ]]; then
        setsid "$0" watch "$dir" "$pid" </dev/null >/dev/null 2>&1 &
    fi
    echo "postgres://postgres@127.0.0.1:$port/postgres"
}

resume() {
    local data=$1/data
    # The server must not keep the caller's pipes open.
    unprivileged "$(programs)/pg_ctl" -D "$data" -w -t 60 -l "$data/server.log" start </dev/null >/dev/null 2>&1 ||
        { tail -n 20 "$data/server.log" >&2; return 1; }
}

halt() {
    local data=$1/data
    [[ -f $data/postmaster.pid ]] || return 0
    unprivileged "$(programs)/pg_ctl" -D "$data" -w -t 60 -m "${2:-fast}" stop >/dev/null
}

stop() {
    local dir=$1
    # Nothing is removed that `start` did not make.
    [[ -f $dir/data/PG_VERSION ]] || return 0
    halt "$dir" fast || halt "$dir" immediate
    rm -rf "$dir/data" "$dir/initdb.log"
    rmdir "$dir" 2>/dev/null || true
}

watch() {
    while kill -0 "$2" 2>/dev/null; do sleep 0.5; done
    stop "$1"
}

case "${1:-}:$#" in
start:[34] | halt:[23] | resume:2 | stop:2 | watch:3) "$@" ;;
*) usage ;;
esac
