#!/bin/sh
# The server outside of Debian's configuration: reachable from other containers, in the foreground, data in /data.
set -e
case "$1" in
  -* | *.conf) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ]; then
  shift
  set -- redis-server "$@" --protected-mode no
  if [ "$(id -u)" = 0 ]; then
    find . ! -user redis -exec chown redis {} +
    exec gosu redis "$@"
  fi
fi
exec "$@"
