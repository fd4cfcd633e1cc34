#!/bin/sh
# Exit 0 when this Alertmanager answers. Environment: LISTEN, DATA, PKI. The image has amtool and no Python; a machine that
# runs the site as plain processes has Python, and amtool perhaps not.
set -eu
url="https://127.0.0.1:${LISTEN##*:}"
if command -v amtool >/dev/null; then
    exec amtool --alertmanager.url="$url" --http.config.file="$DATA/amtool.yml" --timeout=2s config show >/dev/null
fi
exec python -I -S -c '
import ssl, sys, urllib.request
url, pki = sys.argv[1:]
tls = ssl.create_default_context(cafile=f"{pki}/ca.pem")
tls.check_hostname = False  # asked by address
tls.load_cert_chain(f"{pki}/alertmanager.pem", f"{pki}/alertmanager.key")
urllib.request.urlopen(f"{url}/-/ready", timeout=2, context=tls)
' "$url" "$PKI"
