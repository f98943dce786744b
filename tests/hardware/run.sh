#!/usr/bin/env bash
# Boots the guest, runs the tests in it and passes on what they say and how they ended.
#
#   run.sh                 all of them
#   run.sh -k display      what pytest is to be told instead of -q
#
# ACCEL=kvm is many times faster where the machine can; without it the guest's processor is simulated as well.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly here=tests/hardware out=build/hardware longest=${LONGEST:-1800}

say() { echo "hardware: $*" >&2; }

status=0
$here/build.sh || status=$?
[ "$status" -ne 75 ] || exit 0 # it has said why there is nothing to run
[ "$status" -eq 0 ] || exit "$status"

# The checkout as it is now and what to run travel as a second disk.
[ "$#" -gt 0 ] || set -- -q
printf 'ARGUMENTS="%s %s"\n' "$(tr '\n' ' ' <$here/guest/tests)" "$(printf "'%s' " "$@")" >"$out/arguments"
tar --append --file "$out/checkout.tar" "$out/arguments"
truncate -s %512 "$out/checkout.tar"
rm -f "$out/status"

# Simulated, one processor is enough and an old one best: of two, one may run into code that the other's kernel is just
# changing, and panic; and the wide instructions of newer ones are slow to simulate, and simulated with mistakes.
readonly accel=${ACCEL:-tcg}
processor=Nehalem
[ "$accel" != kvm ] || processor=host

say "booting the guest; its own log is $out/boot.log"
started=$SECONDS
timeout --foreground "$longest" qemu-system-x86_64 \
  -accel "$accel" -cpu "$processor" -smp 1 -machine q35 -m 1536 \
  -nodefaults -no-user-config -display none -no-reboot \
  -kernel "$out/vmlinuz" -initrd "$out/initrd.img" \
  -append "console=ttyS0 root=/dev/vda rw quiet systemd.default_timeout_start_sec=900 mitigations=off panic=-1 tram-quet.hardware" \
  -drive "file=$out/guest.ext4,if=virtio,format=raw,snapshot=on,cache=unsafe" \
  -drive "file=$out/checkout.tar,if=virtio,format=raw,readonly=on" \
  -serial "file:$out/boot.log" -serial stdio -serial "file:$out/status" </dev/null | stdbuf --output=0 tr --delete '\r' ||
  say "the guest ended before its tests did"
say "the guest ran for $((SECONDS - started)) s"
if [ ! -s "$out/status" ]; then
  say "it never told how they ended; the end of $out/boot.log:"
  tail -n 20 "$out/boot.log" >&2
  exit 1
fi
exit "$(tr -dc '0-9' <"$out/status")"
