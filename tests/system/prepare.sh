#!/bin/sh
# Makes the images of the system tests below OUT, once, from Debian's packages.
#   prepare.sh OUT
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
make=$here/../images/make-images
for image in busybox layered nginx redis python grpcio postgres mysql memcached; do
  [ -e "$1/$image.tar" ] && continue
  "$make" "$1" "$image" || echo "prepare: no image $image" >&2
done
ls -l "$1"
[ -e "$1/busybox.tar" ]
