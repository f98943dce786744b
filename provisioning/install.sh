#!/usr/bin/env bash
# Makes this checkout the board's service: packages, account, folders, device rules and unit. Run again after an update.
# With DESTDIR it only lays the files out there, for a package or an image.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly here="$PWD" destination="${DESTDIR:-}"

say() { echo "install: $*" >&2; }
die() { say "$@"; exit 1; }

if [ -z "$destination" ]; then
  [ "$(id -u)" -eq 0 ] || die "this changes the system; run it as root: sudo make install"
  case "$here" in
    /home/* | /root/* | /tmp/*) die "the service cannot see $here; put the checkout into /opt/tram-quet" ;;
  esac
  provisioning/setup.sh station
  .venv/bin/python -m compileall -q core drivers station # the service may not write beside its own code
fi

lay() { install -D -m 0644 "$1" "$destination$2"; }
lay systemd/tram-quet.sysusers /etc/sysusers.d/tram-quet.conf
lay systemd/tram-quet.tmpfiles /etc/tmpfiles.d/tram-quet.conf
lay systemd/70-tram-quet.rules /etc/udev/rules.d/70-tram-quet.rules
lay systemd/station.service /etc/systemd/system/station.service
sed -i "s|/opt/tram-quet|$here|g" "$destination/etc/systemd/system/station.service"
[ -z "$destination" ] || exit 0

systemd-sysusers tram-quet.conf
systemd-tmpfiles --create tram-quet.conf
ln -sf "$here/.venv/bin/station" /usr/local/bin/station
if [ -d /run/systemd/system ]; then
  udevadm control --reload && udevadm trigger
  systemctl daemon-reload
fi
systemctl enable --quiet station.service
if [ -e /etc/tram-quet/config.toml ]; then
  say "installed; start it with: systemctl restart station"
else
  say "installed; tell it its gate with: sudo station configure; then: systemctl start station"
fi
