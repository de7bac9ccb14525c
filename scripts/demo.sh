#!/bin/sh
# From a bare Debian 12: installs what is needed, builds, makes the demo's images, plays the demo, shows it answer.
set -eu
cd "$(dirname "$0")/.."
scripts/install-deps.sh --test
scripts/build.sh release
tests/system/prepare.sh build/test-images
for image in busybox nginx redis; do
  build/bin/kpod load --quiet -i "build/test-images/$image.tar"
done
build/bin/kpod play kube manifests/demo.yaml
tries=0
until answer=$(curl -fsS http://127.0.0.1:8088/ && curl -fsS http://127.0.0.1:8088/app/ | grep PONG); do
  tries=$((tries + 1))
  [ "$tries" -lt 50 ] || { echo "the demo does not answer" >&2; exit 1; }
  sleep 0.2
done 2>/dev/null
printf '\n$ curl http://127.0.0.1:8088/ http://127.0.0.1:8088/app/\n%s\n\n$ kpod ps\n' "$answer"
build/bin/kpod ps
printf '\nTake it down: build/bin/kpod kube down manifests/demo.yaml\n'
