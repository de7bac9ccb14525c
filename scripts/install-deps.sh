#!/bin/sh
# Installs what building, running and testing kpod needs on Debian 12. Asks apt only for what is
# missing, so that a second run needs no network.
#   scripts/install-deps.sh          to build and to run the demo
#   scripts/install-deps.sh --test   also what the tests use
set -eu

build="g++ cmake ninja-build ccache pkg-config
  libyaml-cpp-dev nlohmann-json3-dev libseccomp-dev libcap-dev libnl-3-dev libnl-route-3-dev
  libldns-dev libssl-dev libhttp-parser-dev libnghttp2-dev
  libboost-program-options-dev libarchive-dev libcurl4-openssl-dev"
run="nftables iproute2 skopeo curl ca-certificates"
# What tests/images/make-images builds images with.
images="python3 busybox-static"
test="fish zsh libgtest-dev clang clang-format clang-tidy libclang-rt-14-dev docker-registry zstd strace openssl procps util-linux"

wanted="$build $run $images"
if [ "${1:-}" = --test ]; then wanted="$wanted $test"; fi

missing=
for package in $wanted; do
  status=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
  case "$status" in ii*) ;; *) missing="$missing $package" ;; esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
  echo "install-deps: must be root to install:$missing" >&2
  exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# Services of the packages must not start: the tests run their own, on loopback.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' > $policy
  chmod 755 $policy
  trap 'rm -f $policy' EXIT
fi
apt-get update -q
# shellcheck disable=SC2086
apt-get install -y -q --no-install-recommends $missing
