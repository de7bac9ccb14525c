#!/bin/sh
# Fills in /etc/nginx/templates and runs /docker-entrypoint.d before nginx, as the image of that name does.
set -e
if [ "$1" = nginx ] || [ "$1" = nginx-debug ]; then
  for template in /etc/nginx/templates/*.template; do
    [ -f "$template" ] || continue
    name=$(basename "$template" .template)
    defined=$(printenv | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/${\1} /p' | tr -d '\n')
    envsubst "$defined" < "$template" > "/etc/nginx/conf.d/$name"
  done
  for part in /docker-entrypoint.d/*.sh; do
    [ -x "$part" ] || continue
    "$part"
  done
fi
exec "$@"
