# Sourced by deployment, which sets `llavero` to the path of the binary. Starts and stops servers in a temporary directory;
# on a failure, prints where it was and the ends of all logs.
# shellcheck shell=bash disable=SC2154

ana=11111111-1111-4111-8111-111111111111
# Of a demo key that may be used 60 times a minute; public, like everything of the demo.
secret=sk_PRonXEBXo0rt8BtStrkqBlLMLXxqqv1OKZ3h
directory=$(mktemp -d)
cleanup() {
  local status=$? job
  [ "$BASHPID" = "$$" ] || return "$status" # a subshell
  for job in $(jobs -p); do kill "$job" 2>/dev/null || true; done
  wait 2>/dev/null || true
  [ "$status" = 0 ] || tail -n 5 "$directory"/*log >&2 || true
  rm -rf "$directory"
}
trap cleanup EXIT
trap 'echo "deployment: line $LINENO failed: $BASH_COMMAND" >&2' ERR

fail() { echo "deployment: $*" >&2; exit 1; }

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Starts `COMMAND… serve` in the background, and sets `server` to its process and `api` to its URL.
start() {
  : >"$directory/out"
  "$@" >"$directory/out" 2>"$directory/log" &
  server=$!
  until grep -q '^listening on ' "$directory/out"; do
    kill -0 "$server" 2>/dev/null || fail "$* did not start: $(cat "$directory/log")"
    sleep 0.1
  done
  api=$(sed -n 's/^listening on //p' "$directory/out")
}

# Stops the server in good order.
stop() {
  kill "$server"
  wait "$server" || fail "the server ended with $?: $(tail -n 5 "$directory/log")"
}

# Stops a server that `start` started inside another program, which ends with it.
stop_inner() {
  local process=$server
  until [ "$(cat "/proc/$process/comm")" = llavero ]; do process=$(pgrep -P "$process" | head -n 1); done
  kill "$process"
  wait "$server" || fail "the server ended with $?: $(tail -n 5 "$directory/log")"
}

# The address of the server.
address() { basename "$(dirname "$api")"; }

demo() { start "$llavero" serve --demo --listen 127.0.0.1:0 "$@"; }

successes() { "$llavero" get /api/organizations/acme-corp/api-keys/stats --user "$ana" --database "$1" | jq .successfulRequests; }

# Sends COUNT validations over one connection.
validate() {
  local statuses
  statuses=$(curl --silent --output /dev/null --write-out '%{http_code}\n' -H "X-API-Key: $secret" \
    "$api/api-keys/validate#[1-$1]" | sort | uniq -c)
  [[ $statuses =~ ^\ *$1\ 200$ ]] || fail "of $1 validations: $statuses"
}
