#!/bin/sh
set -e
[ "${1#-}" != "$1" ] && set -- haproxy "$@"
if [ "$1" = haproxy ]; then
  shift
  set -- haproxy -W -db "$@"
fi
exec "$@"
