#!/bin/bash
# Makes the cluster in $PGDATA at the first start, with POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB (or *_FILE).
set -e
PATH=/usr/lib/postgresql/15/bin:$PATH
export PGDATA="${PGDATA:-/var/lib/postgresql/data}"
from_file() {
  local file="$1_FILE"
  if [ -n "${!file}" ]; then export "$1=$(cat "${!file}")"; fi
}
[ "${1:0:1}" = - ] && set -- postgres "$@"
if [ "$1" != postgres ]; then exec "$@"; fi
mkdir -p "$PGDATA"
chmod 00700 "$PGDATA" || :
if [ "$(id -u)" = 0 ]; then
  mkdir -p /run/postgresql
  chown -R postgres "$PGDATA" /run/postgresql
  exec gosu postgres "$0" "$@"
fi
from_file POSTGRES_USER
from_file POSTGRES_PASSWORD
from_file POSTGRES_DB
user="${POSTGRES_USER:-postgres}"
database="${POSTGRES_DB:-$user}"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
    echo "Error: Database is uninitialized and superuser password is not specified." >&2
    exit 1
  fi
  initdb --username="$user" --pwfile=<(echo "${POSTGRES_PASSWORD:-x}") -A "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" -E UTF8 > /dev/null
  echo "host all all all ${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >> "$PGDATA/pg_hba.conf"
  # Only over its own socket until the first scripts have run.
  PGPASSWORD="$POSTGRES_PASSWORD" pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start > /dev/null
  export PGPASSWORD="$POSTGRES_PASSWORD"
  if [ "$database" != postgres ]; then
    psql -v ON_ERROR_STOP=1 -U "$user" -d postgres --set db="$database" <<< 'CREATE DATABASE :"db";'
  fi
  for part in /docker-entrypoint-initdb.d/*; do
    case "$part" in
      *.sh) bash "$part" ;;
      *.sql) psql -v ON_ERROR_STOP=1 -U "$user" -d "$database" -f "$part" ;;
    esac
  done
  pg_ctl -D "$PGDATA" -m fast -w stop > /dev/null
  unset PGPASSWORD
  echo "PostgreSQL init process complete; ready for start up."
fi
shift
exec postgres -c listen_addresses='*' -c jit=off "$@"
