#!/usr/bin/env bash
# Brings a checkout to the point where it runs; says nothing and takes no time when nothing is missing.
#
#   setup.sh station   what a board needs: decoder library, station's Python packages, on a Pi its camera and pins
#   setup.sh demo      that, a broker and the hub
#   setup.sh dev       that, a browser, PostgreSQL, the tools of the trade and a second interpreter to test on
#
# PYTHON=... chooses the main interpreter; without it the oldest that this runs on is taken, so that nobody leans on newer.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly level="${1:-dev}"
case "$level" in
  station | demo | dev) ;;
  *) echo "setup: no level named '$level'; there are station, demo and dev" >&2; exit 2 ;;
esac

readonly log=build/setup.log
mkdir -p build
exec 9>build/.setup.lock
flock 9 # two words of make at once would install into the same folder

# --- telling -----------------------------------------------------------------------------------------------------------

say() { echo "setup: $*" >&2; }
die() { say "$@"; exit 1; }

# step MESSAGE COMMAND...: runs it quietly with a sign of life; what it said goes to the log.
step() {
  local message="$1" started=$SECONDS ticker status=0
  shift
  printf 'setup: %s ' "$message" >&2
  (exec 9>&-; while sleep 2; do printf '.' >&2; done) & ticker=$!
  "$@" >"$log" 2>&1 </dev/null 9>&- || status=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  if [ "$status" -eq 0 ]; then
    printf ' done (%d s)\n' $((SECONDS - started)) >&2
  else
    printf ' %s\n' "${or_else:-failed}" >&2
  fi
  return "$status"
}

complain() { tail -n 30 "$log" >&2; die "$@"; }

# --- the machine -------------------------------------------------------------------------------------------------------

on_a_pi() { grep -qs 'Raspberry Pi' /proc/device-tree/model; }

case "$(uname -m)" in
  armv6l | armv7l) die "this is a 32-bit system; several libraries exist for 64-bit boards only. Write the 64-bit image" ;;
esac

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

# A freshly unpacked broker would start at once and at every boot; the demo and the tests start their own, on loopback.
readonly policy=/usr/sbin/policy-rc.d
forbid_services() { [ -e "$policy" ] || { as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy" && our_policy=yes; }; }
allow_services() { [ -z "${our_policy:-}" ] || { as_root rm -f "$policy"; our_policy=; }; }

# A freshly unpacked PostgreSQL would make a cluster that runs from then on; the tests make and end their own.
readonly clusters=/etc/postgresql-common/createcluster.d/tram-quet.conf
forbid_cluster() { as_root sh -c "mkdir -p ${clusters%/*} && echo 'create_main_cluster = false' >$clusters" && our_clusters=yes; }
allow_cluster() { [ -z "${our_clusters:-}" ] || { as_root rm -f "$clusters"; our_clusters=; }; }

apt_install() {
  local packages="$*" fresh_broker=
  command -v apt-get >/dev/null || die "these are missing and this is no Debian, so install them by its own means: $packages"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "not root and no sudo here; as root, run: apt-get install $packages"
    say "installing with sudo: $packages"
    sudo -v || die "without sudo, as root, run: apt-get install $packages"
  fi
  [[ " $packages " != *" mosquitto "* ]] || fresh_broker=yes
  trap 'allow_services; allow_cluster' EXIT
  forbid_services
  [[ " $packages " != *" postgresql "* ]] || forbid_cluster
  if [ -z "${list_is_read:-}" ]; then
    step "reading the list of system packages" as_root apt-get -o DPkg::Lock::Timeout=120 update ||
      say "the list could not be refreshed; trying with the one at hand"
    list_is_read=yes
  fi
  step "installing $packages" as_root env DEBIAN_FRONTEND=noninteractive apt-get \
    -o DPkg::Lock::Timeout=120 install --yes --no-install-recommends "$@" || complain "apt could not install: $packages"
  allow_services
  allow_cluster
  trap - EXIT
  if [ -n "$fresh_broker" ] && command -v systemctl >/dev/null; then
    as_root systemctl disable mosquitto.service >>"$log" 2>&1 || say "could not disable mosquitto.service: see $log"
  fi
}

has_library() { [[ "$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p)" == *"$1"* ]]; }
has_program() { local p; for p; do command -v "$p" >/dev/null || [ -x "/usr/sbin/$p" ] && return; done; return 1; }
has_font() { compgen -G "/usr/share/fonts/*/*/$1" >/dev/null || compgen -G "${HOME:-/root}/.fonts/$1" >/dev/null; }

has_postgresql() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || has_program initdb; }

missing=()
want() { # want PACKAGE TEST...
  local package="$1"
  shift
  "$@" || missing+=("$package")
}

want libzbar0 has_library libzbar.so.0
if on_a_pi; then
  want python3-picamera2 test -d /usr/lib/python3/dist-packages/picamera2
  want python3-lgpio compgen -G '/usr/lib/python3/dist-packages/lgpio*'
  want python3-spidev compgen -G '/usr/lib/python3/dist-packages/spidev*' # a display on SPI
fi >/dev/null
if [ "$level" != station ]; then
  want mosquitto has_program mosquitto
fi
if [ "$level" = dev ]; then
  want chromium has_program chromium chromium-browser
  want fonts-dejavu-core has_font 'DejaVuSans.ttf'
  want postgresql has_postgresql
  want wrk has_program wrk
  want ffmpeg has_program ffmpeg
  want iproute2 has_program ip
  want nftables has_program nft
fi
[ "${#missing[@]}" -eq 0 ] || apt_install "${missing[@]}"

# --- the interpreters --------------------------------------------------------------------------------------------------

# A name on the PATH is not yet an interpreter (a version switcher's shim may refuse), so it is asked to run.
works() { "$1" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }

find_python() {
  local candidate
  for candidate in "$@"; do
    if works "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

main_python() {
  if [ -n "${PYTHON:-}" ]; then
    find_python "$PYTHON"
  elif on_a_pi; then
    find_python /usr/bin/python3 # the one that apt's camera and pin libraries belong to
  else
    find_python python3.11 python3.12 python3 python3.13 /usr/bin/python3 "${HOME:-/root}"/.pyenv/versions/3.1[1-9]*/bin/python3
  fi
}

second_python() { find_python python3.13 "${HOME:-/root}"/.pyenv/versions/3.13*/bin/python3.13; }

# --- the virtual environments ------------------------------------------------------------------------------------------

make_venv() { # make_venv FOLDER PYTHON
  local folder="$1" python="$2" options=()
  if on_a_pi; then options=(--system-site-packages); fi
  [ ! -L "$folder" ] || rm "$folder" # what it leads to is somebody else's
  "$python" -c 'import ensurepip, venv' 2>/dev/null || apt_install "python$(version_of "$python")-venv"
  step "making $folder with Python $(version_of "$python")" "$python" -m venv --clear "${options[@]}" "$folder" ||
    complain "no virtual environment in $folder"
}

pip_install() { # pip_install PYTHON ARGUMENT...: asks nothing and advertises nothing
  local python="$1"
  shift
  PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore "$python" -m pip install --progress-bar off "$@"
}

# A package without a ready-made build is built with the pinned tools below, not with whatever is newest today.
pinned_tools() { awk '/^[a-z]/ { on = /^(pip|setuptools|packaging)==/ } on' requirements/station.txt; }

install_file() { # install_file PYTHON FILE
  local python="$1" file="$2"
  pip_install "$python" --require-hashes --only-binary :all: -r <(pinned_tools) &&
    pip_install "$python" --require-hashes --no-build-isolation -r "$file"
}

lacks_compiler() { # lacks_compiler PYTHON: the last step failed while building, and there is nothing to build with
  grep -qE 'Failed building wheel|subprocess-exited-with-error|Failed to build' "$log" || return 1
  ! command -v cc >/dev/null || [ ! -e "$("$1" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ]
}

stamp_of() { # stamp_of FILE: changes when the file or the place of the checkout does
  { cat "$1"; pwd; } | sha256sum | cut -c-64
}

fresh() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; } # fresh STAMP VALUE

install_set() { # install_set FOLDER SET
  local folder="$1" file="requirements/$2.txt" mark="$1/.stamp-$2" value
  value=$(stamp_of "$file")
  if fresh "$mark" "$value"; then return; fi
  if ! or_else="not complete" step "installing Python packages: $2 into $folder" install_file "$folder/bin/python" "$file"; then
    lacks_compiler "$folder/bin/python" || complain "could not install $file"
    say "one of them has no ready-made build for this machine: it is built here, and that needs a compiler"
    apt_install gcc libc6-dev "python$(version_of "$folder/bin/python")-dev"
    step "installing Python packages: $2 into $folder" install_file "$folder/bin/python" "$file" ||
      complain "could not install $file"
  fi
  echo "$value" >"$mark"
}

install_programs() { # install_programs FOLDER: the words `station` and `hub`, from this checkout
  local folder="$1" mark="$1/.stamp-programs" value
  value=$(stamp_of pyproject.toml)
  if fresh "$mark" "$value"; then return; fi
  step "installing the programs into $folder" \
    pip_install "$folder/bin/python" --no-deps --no-build-isolation --editable . || complain "could not install the programs"
  echo "$value" >"$mark"
}

furnish() { # furnish FOLDER SET...
  local folder="$1" set
  shift
  for set; do install_set "$folder" "$set"; done
  install_programs "$folder"
}

# The programs of an environment name the folder that it was made in: after a move it has to be made again.
usable() { works "$1/bin/python" && grep -qsF "$PWD/$1" "$1/bin/activate"; }

if ! usable .venv; then
  python=$(main_python) || die "no Python 3.11 or newer that runs: apt-get install python3"
  make_venv .venv "$python"
fi
case "$level" in
  station) furnish .venv station ;;
  demo) furnish .venv station hub ;;
  dev) furnish .venv station hub dev ;;
esac

if [ "$level" = dev ] && ! usable .venv-3.13 && [ "$(version_of .venv/bin/python)" != 3.13 ]; then
  if python=$(second_python); then make_venv .venv-3.13 "$python"; fi
fi
if [ "$level" = dev ] && usable .venv-3.13; then
  furnish .venv-3.13 station dev
fi
