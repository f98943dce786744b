#!/usr/bin/env bash
# Makes this checkout the centre's service: packages, account, folders and unit. Run again after an update.
# With DESTDIR it only lays the files out there, for a package or an image.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly here="$PWD" destination="${DESTDIR:-}"

say() { echo "install-hub: $*" >&2; }
die() { say "$@"; exit 1; }

if [ -z "$destination" ]; then
  [ "$(id -u)" -eq 0 ] || die "this changes the system; run it as root: sudo make centre"
  case "$here" in
    /home/* | /root/* | /tmp/*) die "the service cannot see $here; put the checkout into /opt/tram-quet" ;;
  esac
  provisioning/setup.sh demo
  .venv/bin/python -m compileall -q core hub # the service may not write beside its own code
fi

lay() { install -D -m "${3:-0644}" "$1" "$destination$2"; }
lay systemd/tram-quet-hub.sysusers /etc/sysusers.d/tram-quet-hub.conf
lay systemd/tram-quet-hub.tmpfiles /etc/tmpfiles.d/tram-quet-hub.conf
lay systemd/hub.service /etc/systemd/system/hub.service
sed -i "s|/opt/tram-quet/|$here/|g" "$destination/etc/systemd/system/hub.service"
[ -z "$destination" ] || exit 0

systemd-sysusers tram-quet-hub.conf
systemd-tmpfiles --create tram-quet-hub.conf
if [ ! -e /etc/tram-quet-hub/hub.toml ]; then
  install -m 0640 -o root -g tram-quet-hub hub/hub.example.toml /etc/tram-quet-hub/hub.toml
fi
ln -sf "$here/.venv/bin/hub" /usr/local/bin/hub
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
systemctl enable --quiet hub.service
say "installed; its settings are /etc/tram-quet-hub/hub.toml; start it with: systemctl restart hub"
