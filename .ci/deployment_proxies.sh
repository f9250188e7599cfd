# Sourced by deployment: Caddy and nginx of examples/, with TLS, in front of a server.
#
# Uses `start`, `stop` and the other functions of deployment.sh. A proxy gets a free port and a certificate for
# keys.example.com: Caddy's own authority signs it, and nginx's signs itself.
# shellcheck shell=bash disable=SC2154

# Starts COMMAND, the proxy NAME in front of the server, calls USE, and stops the proxy. `ask` sends requests through it:
# it trusts the certificates in AUTHORITY, and finds the name of the site on this machine.
behind() {
  local name=$1 use=$2 authority=$3 proxy
  shift 3
  "$@" >"$directory/$name.log" 2>&1 &
  proxy=$!
  ask() { curl --silent --show-error --cacert "$authority" --resolve "keys.example.com:$port:127.0.0.1" "$@"; }
  until ask --output /dev/null "$origin/healthz" 2>/dev/null; do
    kill -0 "$proxy" 2>/dev/null || fail "$name did not start: $(tail -n 5 "$directory/$name.log")"
    sleep 0.1
  done
  "$use"
  kill "$proxy"
  wait "$proxy" || true
}

# Uses the API and signs in to the dashboard through the proxy.
through() {
  local code token jar=$directory/jar
  status() { ask --output /dev/null --write-out '%{http_code}' "$@"; }
  rm -f "$jar"
  token=$(sed -n '/^eyJ/{p;q}' "$directory/out")
  ask --dump-header "$directory/headers" --fail -H "Authorization: Bearer $token" -H 'X-Request-Id: through-the-proxy' \
    "$origin/api/organizations/acme-corp/api-keys/stats" | jq -e '.totalKeys > 0' >/dev/null
  grep -qi '^strict-transport-security: max-age=31536000' "$directory/headers"
  grep -qi '^x-request-id: through-the-proxy' "$directory/headers"
  [ "$(status -H "X-API-Key: $secret" -X POST "$origin/api/api-keys/validate")" = 200 ]
  # The link begins with the public URL. A form of another origin does not use it up.
  code=$("$llavero" login --user "$ana" --database "$directory/proxied.db" | sed -n "s|^$origin/login?code=||p")
  [ -n "$code" ] || fail "the link does not begin with $origin"
  [ "$(status "$origin/login?code=$code")" = 200 ]
  [ "$(status --data "code=$code" -H 'Sec-Fetch-Site: cross-site' "$origin/login")" = 403 ]
  [ "$(status --data "code=$code" -H 'Origin: https://evil.example' "$origin/login")" = 403 ]
  [ "$(status --data "code=$code" -H "Origin: $origin" --cookie-jar "$jar" "$origin/login")" = 303 ]
  grep -q '#HttpOnly_.*TRUE.*__Host-llavero_session' "$jar" || fail "the cookie is not Secure and HttpOnly: $(cat "$jar")"
  ask --cookie "$jar" --location "$origin/dashboard" | grep -q 'Acme Corp'
  [ "$(status "$origin/dashboard")" = 303 ]
}

# The sandbox's guide has URLs with the scheme of the proxy, and not with one that a client claims.
guide() {
  ask -H 'Accept: text/html' -H 'X-Forwarded-Proto: http' "$origin/sandbox" | grep -q "$origin/api"
}

# Writes a Caddyfile with the example's site for a server at UPSTREAM, with certificates of Caddy's own authority.
caddyfile() {
  cat >"$directory/Caddyfile" <<END
{
	admin off
	local_certs
	skip_install_trust
	http_port $(free_port)
	https_port $port
	storage file_system $directory/caddy
}
import $examples/Caddyfile.tls
END
  export LLAVERO_UPSTREAM=$1
}

# Writes a configuration of nginx with the example's server for a server at UPSTREAM, and a certificate.
nginx_conf() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=keys.example.com \
    -addext subjectAltName=DNS:keys.example.com -keyout "$directory/key.pem" -out "$directory/certificate.pem" 2>/dev/null
  sed "s|listen 443|listen 127.0.0.1:$port|; s|127.0.0.1:3001|$1|
    s|/etc/ssl/private/keys.example.com.key|$directory/key.pem|; s|/etc/ssl/keys.example.com.pem|$directory/certificate.pem|" \
    "$examples/nginx-tls.conf" >"$directory/site.conf"
  cat >"$directory/nginx.conf" <<END
daemon off;
master_process off;
pid nginx.pid;
events {}
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include site.conf;
}
END
}

proxies() { # Caddy and nginx with TLS: the API, and the sign-in to the dashboard with its Secure cookie
  local port origin caddy=(env HOME="$directory" caddy run --adapter caddyfile --config "$directory/Caddyfile")
  local authority=$directory/caddy/pki/authorities/local/root.crt
  port=$(free_port) origin=https://keys.example.com:$port
  demo --database "$directory/proxied.db" --public-url "$origin" --max-connections-per-address 0
  caddyfile "$(address)"
  behind caddy through "$authority" "${caddy[@]}"
  nginx_conf "$(address)"
  behind nginx through "$directory/certificate.pem" nginx -p "$directory" -c nginx.conf -e stderr
  stop
  start "$llavero" serve --sandbox --listen 127.0.0.1:0
  caddyfile "$(address)"
  behind caddy guide "$authority" "${caddy[@]}"
  stop
}
