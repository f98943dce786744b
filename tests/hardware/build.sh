#!/usr/bin/env bash
# Builds the guest in which the drivers meet real devices: Debian 13 (what Raspberry Pi OS is made from) with its own
# kernel, the station installed as on a board, picamera2, and the kernel modules of the devices that are simulated.
#
# Everything lies in build/hardware and is built again only when what it is made from has changed.
# Exits 75 with the reason when this machine cannot build it (not root, no packages); that is a skip, not a failure.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly suite=trixie here=tests/hardware out=build/hardware
readonly system=$out/system image=$out/guest.ext4 log=$out/build.log
readonly cannot=75

say() { echo "hardware: $*" >&2; }
skip() { say "skipped: $*"; exit "$cannot"; }

# step MESSAGE COMMAND...: runs it with what it says going to the log, and tells how long it took.
step() {
  local message="$1" started=$SECONDS
  shift
  printf 'hardware: %s ...' "$message" >&2
  echo "=== $message" >>"$log"
  if "$@" >>"$log" 2>&1 </dev/null; then
    printf ' done (%d s)\n' $((SECONDS - started)) >&2
  else
    printf ' failed after %d s; the end of %s:\n' $((SECONDS - started)) "$log" >&2
    tail -n 15 "$log" >&2
    return 1
  fi
}

# --- what the guest is made from ---------------------------------------------------------------------------------------

# systemd and udev as on a board, what pip needs to build evdev, lgpio and prctl, and what the modules are built with.
readonly packages=(
  systemd systemd-sysv dbus udev kmod busybox-static linux-image-amd64 linux-headers-amd64
  python3 python3-venv python3-dev python3-libcamera libcamera-ipa python3-numpy libzbar0t64
  python3-pytest python3-pytest-timeout
  gcc make libc6-dev libcap-dev swig xz-utils ca-certificates
)

# The machine's own Debian sources, with the guest's suite in place of this machine's.
sources() {
  local codename file
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ -e "$file" ] || continue
    grep -qE "(^|[ /])$codename" "$file" && grep -qi debian "$file" || continue
    sed "s/\b$codename\b/$suite/g" "$file" >"$out/sources.${file##*.}"
    echo "$out/sources.${file##*.}"
    return
  done
}

stamp_of() { cat "$@" | sha256sum | cut -c-64; }
fresh() { [ "$(cat "$out/$1.stamp" 2>/dev/null)" = "$2" ]; }
mark() { echo "$2" >"$out/$1.stamp"; }

# in_system COMMAND...: runs it inside, in a mount namespace of its own, so that no mount outlives it.
in_system() {
  unshare --mount --fork bash -euc '
    root=$1; shift
    mount -t proc proc "$root/proc"
    for node in null zero full random urandom; do
      [ -e "$root/dev/$node" ] || touch "$root/dev/$node"
      mount --bind "/dev/$node" "$root/dev/$node"
    done
    for file in /etc/resolv.conf /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
      if [ -e "$file" ]; then
        [ -e "$root$file" ] || touch "$root$file"
        mount --bind "$file" "$root$file"
      fi
    done
    exec chroot "$root" "$@"' -- "$PWD/$system" "$@"
}

# --- the steps ---------------------------------------------------------------------------------------------------------

want_tools() {
  local missing=()
  command -v qemu-system-x86_64 >/dev/null || missing+=(qemu-system-x86)
  command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
  command -v mke2fs >/dev/null || [ -x /sbin/mke2fs ] || missing+=(e2fsprogs)
  command -v cpio >/dev/null || missing+=(cpio)
  [ "${#missing[@]}" -eq 0 ] && return
  command -v apt-get >/dev/null || skip "this is no Debian; install by its own means: ${missing[*]}"
  step "installing ${missing[*]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 \
    install --yes --no-install-recommends "${missing[@]}" || skip "apt could not install ${missing[*]}"
}

build_system() {
  local stamp from
  stamp=$(echo "$suite ${packages[*]}" | stamp_of)
  fresh system "$stamp" && return
  from=$(sources)
  [ -n "$from" ] || skip "no Debian sources in /etc/apt to build the guest from"
  rm -rf "$system" "$out"/*.stamp
  apt-config dump | grep '^Acquire::' >"$out/apt.conf"
  INITRD=No step "unpacking Debian $suite with its kernel" mmdebstrap --mode=root --variant=minbase \
    --include="$(IFS=,; echo "${packages[*]}")" --aptopt="$out/apt.conf" --aptopt='Apt::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' "$suite" "$system" "$from" ||
    skip "Debian $suite could not be had from this machine's sources"
  mark system "$stamp"
}


# gpio-sim and irq_sim.c come from the kernel's own source; only a built-in may take a descriptor by number.
build_modules() {
  local stamp version
  stamp=$(stamp_of "$out/system.stamp" $here/modules/*)
  fresh modules "$stamp" && return
  version=$(basename "$system"/lib/modules/*)
  rm -rf "$system/root/modules"
  cp -r $here/modules "$system/root/modules"
  fetch_kernel_sources() {
    local source="linux-source-${version%%.*}.$(cut -d. -f2 <<<"$version")"
    in_system apt-get update --quiet
    in_system sh -c "cd /root/modules && apt-get download --quiet $source"
    dpkg-deb --fsys-tarfile "$system/root/modules/$source"_*.deb | tar --extract --to-stdout "./usr/src/$source.tar.xz" |
      tar --extract --xz --directory "$system/root/modules" --strip-components 3 \
        "$source/drivers/gpio/gpio-sim.c" "$source/kernel/irq/irq_sim.c"
    rm "$system/root/modules/$source"_*.deb
    sed -i 's/handle_simple_irq(irq_to_desc(irqnum));/generic_handle_irq(irqnum);/' "$system/root/modules/irq_sim.c"
  }
  compile_modules() {
    in_system make -C /root/modules "KERNEL=/lib/modules/$version/build"
    install -D -t "$system/lib/modules/$version/extra" "$system"/root/modules/*.ko
    in_system depmod "$version"
  }
  step "fetching the kernel's source for gpio-sim" fetch_kernel_sources || skip "the kernel's source could not be had"
  step "building the simulated devices" compile_modules
  mark modules "$stamp"
}

# The station as `make install` puts it on a board, in an environment that sees the system's packages as a Pi's does.
install_station() {
  local stamp station=/opt/tram-quet
  stamp=$(stamp_of "$out/system.stamp" requirements/station.txt $here/requirements.txt pyproject.toml provisioning/*.sh \
    systemd/* $here/guest/*.{conf,service})
  fresh station "$stamp" && return
  rm -rf "$system$station"
  mkdir -p "$system$station"
  pack | tar --extract --directory "$system$station"
  furnish() {
    in_system python3 -m venv --system-site-packages "$station/.venv"
    in_system "$station/provisioning/install.sh"
    in_system env PYPI=1 PIP_ROOT_USER_ACTION=ignore "$station/.venv/bin/pip" install --progress-bar off --no-deps \
      --require-hashes --no-build-isolation -r "$station/$here/requirements.txt" # PYPI: lgpio brings its own C library
    in_system systemctl disable station.service
    in_system systemctl mask getty@tty1 serial-getty@ttyS0 systemd-logind systemd-binfmt ldconfig # nobody logs in here
    install -D -m 0644 -t "$system/etc/systemd/system" $here/guest/hardware-tests.service
    install -D -m 0644 $here/guest/modules-load.conf "$system/etc/modules-load.d/hardware.conf"
    install -D -m 0644 $here/guest/modprobe.conf "$system/etc/modprobe.d/hardware.conf"
    in_system systemctl enable hardware-tests.service
  }
  step "installing the station and picamera2" furnish || skip "the Python packages could not be had"
  mark station "$stamp"
}

pack() { git ls-files -z --cached --others --exclude-standard | sort -zu | xargs -0 ls -d 2>/dev/null | tar --create --files-from -; }

# The checkout as it is now, compiled here, where that takes no time; the guest unpacks it over what was installed.
refresh_checkout() {
  local station=$system/opt/tram-quet
  find "$station" -mindepth 1 -maxdepth 1 ! -name .venv -exec rm -r {} +
  pack | tar --extract --directory "$station"
  in_system sh -c 'cd /opt/tram-quet && python3 -m compileall -q --invalidation-mode unchecked-hash core drivers station'
  tar --create --directory "$station" --exclude ./.venv --file "$out/checkout.tar" .
}

build_image() {
  local stamp
  stamp=$(stamp_of "$out"/{system,modules,station}.stamp $here/guest/init)
  fresh image "$stamp" && return
  step "making the guest's disk" make_disk
  step "making the guest's first steps" make_initrd
  mark image "$stamp"
}

make_disk() {
  rm -f "$image"
  truncate -s 3G "$image"
  PATH="$PATH:/sbin:/usr/sbin" mke2fs -q -t ext4 -O ^has_journal -E lazy_itable_init=1,root_owner=0:0 -d "$system" "$image"
}

make_initrd() {
  local root=$out/initrd version module number=10
  version=$(basename "$system"/lib/modules/*)
  rm -rf "$root"
  mkdir -p "$root"/{bin,modules,dev,proc,system}
  cp "$system/usr/bin/busybox" "$root/bin/busybox"
  install -m 0755 $here/guest/init "$root/init"
  for module in $(in_system modprobe --set-version "$version" --show-depends --all virtio_blk ext4 |
    awk '$1 == "insmod" && !seen[$2]++ { print $2 }'); do
    case "$module" in
      *.xz) xz --decompress --stdout "$system$module" ;;
      *) cat "$system$module" ;;
    esac >"$root/modules/$((number++)).ko"
  done
  (cd "$root" && find . | cpio --quiet --create --format=newc) >"$out/initrd.img"
  cp "$system/boot/vmlinuz-$version" "$out/vmlinuz"
}

want_root() { [ "$(id -u)" -eq 0 ] || skip "it builds a system of its own and so needs root: sudo make hardware"; }

want_root
mkdir -p "$out"
exec 9>"$out/.lock"
flock 9
: >"$log"
want_tools
build_system
build_modules
install_station
build_image
refresh_checkout
