#!/bin/bash
# Makes the data directory at the first start, with MYSQL_* or MARIADB_* ROOT_PASSWORD, DATABASE, USER, PASSWORD (or *_FILE).
set -e
setting() {
  local mysql="MYSQL_$1" mariadb="MARIADB_$1" mysql_file="MYSQL_$1_FILE" mariadb_file="MARIADB_$1_FILE"
  if [ -n "${!mysql_file}" ]; then cat "${!mysql_file}"
  elif [ -n "${!mariadb_file}" ]; then cat "${!mariadb_file}"
  else printf %s "${!mysql:-${!mariadb}}"; fi
}
quoted() { printf "'%s'" "$(printf %s "$1" | sed "s/[\\\\']/\\\\&/g")"; }
[ "${1:0:1}" = - ] && set -- mysqld "$@"
case "$1" in
  mysqld | mariadbd) ;;
  *) exec "$@" ;;
esac
shift
if [ "$(id -u)" = 0 ]; then
  mkdir -p /var/lib/mysql /run/mysqld
  chown -R mysql:mysql /var/lib/mysql /run/mysqld
  exec gosu mysql "$0" mysqld "$@"
fi
if [ ! -d /var/lib/mysql/mysql ]; then
  root=$(setting ROOT_PASSWORD)
  if [ -z "$root" ] && [ -z "$(setting ALLOW_EMPTY_PASSWORD)$(setting ALLOW_EMPTY_ROOT_PASSWORD)$(setting RANDOM_ROOT_PASSWORD)" ]; then
    echo "Error: Database is uninitialized and password option is not specified (MYSQL_ROOT_PASSWORD)." >&2
    exit 1
  fi
  mariadb-install-db --user=mysql --datadir=/var/lib/mysql --skip-test-db --auth-root-authentication-method=normal > /dev/null
  {
    # The tables come with users without a password, for this name of the host and 127.0.0.1.
    echo "DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost');"
    echo "FLUSH PRIVILEGES;"
    echo "ALTER USER 'root'@'localhost' IDENTIFIED BY $(quoted "$root");"
    echo "CREATE USER 'root'@'%' IDENTIFIED BY $(quoted "$root");"
    echo "GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;"
    database=$(setting DATABASE)
    user=$(setting USER)
    if [ -n "$database" ]; then echo "CREATE DATABASE IF NOT EXISTS \`$database\`;"; fi
    if [ -n "$user" ]; then
      echo "CREATE USER '$user'@'%' IDENTIFIED BY $(quoted "$(setting PASSWORD)");"
      if [ -n "$database" ]; then echo "GRANT ALL ON \`$database\`.* TO '$user'@'%';"; fi
    fi
    for part in /docker-entrypoint-initdb.d/*.sql; do
      [ -f "$part" ] || continue
      if [ -n "$database" ]; then echo "USE \`$database\`;"; fi
      cat "$part"
    done
  } | mariadbd --bootstrap --datadir=/var/lib/mysql > /dev/null
fi
exec mariadbd --datadir=/var/lib/mysql "$@"
