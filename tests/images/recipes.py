"""What each test image holds: a base of C library, shell and busybox, the packages, and the few files that make it
behave as the image whose name it bears."""
import os
import subprocess
import tarfile

HERE = os.path.dirname(os.path.realpath(__file__))
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# In the base, or of no use in a container.
WITHOUT = ["libc6", "libc-bin", "libtinfo6", "libgcc-s1", "libcrypt1", "libllvm14", "libz3-4", "libpam-modules", "libpam-runtime",
           "libopentracing-c-wrapper0-dev", "libperl5.36"]
DEFAULT = ["busybox", "nginx", "redis"]

PASSWD = [("root", 0, 0, "/root", "/bin/sh"), ("daemon", 1, 1, "/usr/sbin", "/usr/sbin/nologin"), ("bin", 2, 2, "/bin", "/usr/sbin/nologin"),
          ("mail", 8, 8, "/var/mail", "/usr/sbin/nologin"), ("www-data", 33, 33, "/var/www", "/usr/sbin/nologin"),
          ("nobody", 65534, 65534, "/nonexistent", "/usr/sbin/nologin")]
GROUPS = [("root", 0), ("daemon", 1), ("bin", 2), ("tty", 5), ("mail", 8), ("www-data", 33), ("staff", 50), ("users", 100), ("nogroup", 65534)]


def script(name):
    with open(f"{HERE}/entrypoints/{name}") as f:
        return f.read()


def accounts(layer, users):
    passwd, groups = PASSWD + users, GROUPS + [(u[0], u[2]) for u in users]
    layer.file("etc/passwd", "".join(f"{n}:x:{u}:{g}:{n}:{h}:{s}\n" for n, u, g, h, s in passwd))
    layer.file("etc/group", "".join(f"{n}:x:{g}:\n" for n, g in groups))
    layer.file("etc/shadow", "".join(f"{n}:*:19000:0:99999:7:::\n" for n, *_ in passwd), mode=0o640, gid=42)


def skeleton(layer):
    for folder in ("etc", "home", "root", "usr", "var", "var/lib", "var/log", "var/cache", "run", "opt", "srv", "mnt", "dev", "proc", "sys"):
        layer.dir(folder, 0o700 if folder == "root" else 0o755)
    for folder in ("tmp", "var/tmp"):
        layer.dir(folder, 0o1777)
    layer.symlink("var/run", "/run")
    layer.file("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    accounts(layer, [])


def busybox_binary(packages, layer):
    """(the binary's bytes, its applets)"""
    (deb,) = packages.fetch(["busybox-static"])
    layer.deb(deb, keep=lambda name: name.endswith("bin/busybox"))
    path = next(p for p in layer.members if p.endswith("bin/busybox"))
    data = layer.members[path][1]
    temporary = f"{packages.folder}/busybox"
    with open(temporary, "wb") as f:
        f.write(data)
    os.chmod(temporary, 0o755)
    applets = subprocess.run([temporary, "--list"], capture_output=True, text=True, check=True).stdout.split()
    return data, [a for a in applets if a not in ("busybox", "rpm", "dpkg", "dpkg-deb", "linuxrc")]


class Recipe:
    """An image over the common base."""
    merged = True

    def __init__(self, name, tags, packages=(), users=(), files=None, **config):
        self.name, self.tags, self.wanted, self.users, self.files = name, tags, list(packages), list(users), files
        env = config.pop("Env", [])
        if not any(e.startswith("PATH=") for e in env):
            env = [PATH] + env
        self.config = {"Env": env, **config}

    def layers(self, packages):
        yield "base", lambda layer: self.base(packages, layer)
        yield self.name.replace("/", "_"), lambda layer: self.build(packages, layer)

    @staticmethod
    def base(packages, layer):
        skeleton(layer)
        for folder in ("bin", "sbin", "lib", "lib64"):
            layer.merged = False
            layer.symlink(folder, "usr/" + folder)
            layer.merged = True
            layer.dir("usr/" + folder)
        for folder in ("usr/local", "usr/local/bin", "usr/share"):
            layer.dir(folder)
        for deb in packages.fetch(["libc6", "libgcc-s1", "libcrypt1", "libtinfo6", "bash", "libc-bin", "base-files"]):
            layer.deb(deb, keep=lambda n: not n.startswith(("usr/lib/x86_64-linux-gnu/gconv", "usr/share/base-files", "etc/skel")))
        _, applets = busybox_binary(packages, layer)
        for applet in applets:
            if f"usr/bin/{applet}" not in layer.members:
                layer.symlink(f"usr/bin/{applet}", "busybox")
        accounts(layer, [])

    def build(self, packages, layer):
        names = packages.closure(self.wanted, WITHOUT) if self.wanted else []
        for deb in packages.fetch(names):
            layer.deb(deb)
        if self.users:
            accounts(layer, self.users)
        if self.files:
            self.files(layer)


class Busybox(Recipe):
    """As the real one: a static binary and hard links, no merged /usr, no library."""
    merged = False

    def layers(self, packages):
        yield "busybox", lambda layer: self.build(packages, layer)

    def build(self, packages, layer):
        skeleton(layer)
        layer.dir("bin")
        layer.dir("usr/bin").dir("usr/sbin").dir("var/spool").dir("var/www")
        _, applets = busybox_binary(packages, layer)
        for applet in applets:
            layer.hardlink(f"bin/{applet}", "bin/busybox")
        layer.symlink("usr/bin/env", "../../bin/env")


class Layered(Recipe):
    """Whiteouts, an opaque directory, links, odd modes: what layers can hold, in an image that runs."""
    merged = False

    def layers(self, packages):
        def first(layer):
            skeleton(layer)
            layer.dir("bin")
            _, applets = busybox_binary(packages, layer)
            for applet in applets:
                layer.symlink(f"bin/{applet}", "busybox")
            accounts(layer, [("app", 1500, 1600, "/home/app", "/bin/sh")])
            layer.dir("home/app", 0o750, uid=1500, gid=1600)
            layer.dir("data").file("data/removed", "below\n").file("data/kept", "kept\n").file("data/changed", "below\n")
            layer.dir("opaque").file("opaque/below", "below\n").dir("gone").file("gone/file", "below\n")
            layer.file("bin/greet", '#!/bin/sh\necho "greet: $*"\n', mode=0o755)

        def second(layer):
            layer.dir("data").whiteout("data/removed").file("data/changed", "above\n")
            layer.dir("opaque").opaque("opaque").file("opaque/above", "above\n").whiteout("gone")

        def third(layer):
            layer.dir("data").hardlink("data/hard", "data/again").file("data/again", "again\n").symlink("data/soft", "again")
            layer.file("data/setuid", "x", mode=0o4755).file("data/owned", "x", uid=1500, gid=1600, mode=0o600)
            layer.fifo("data/fifo").device("data/null", tarfile.CHRTYPE, 0o666, 1, 3)
            layer.file("data/xattr", "x", xattrs={"user.colour": "blue"})
            layer.file("data/" + "long" * 40, "a name of more than 100 bytes\n")

        yield "layered-1", first
        yield "layered-2", second
        yield "layered-3", third


def nginx_files(layer):
    layer.file("etc/nginx/nginx.conf", script("nginx.conf"))
    layer.dir("etc/nginx/conf.d").file("etc/nginx/conf.d/default.conf", script("nginx-default.conf"))
    for path in [p for p in layer.members if p.startswith(("etc/nginx/sites", "etc/nginx/snippets", "etc/nginx/modules-", "var/www"))]:
        del layer.members[path]
    layer.dir("usr/share/nginx/html").file("usr/share/nginx/html/index.html", script("nginx-index.html"))
    layer.file("usr/share/nginx/html/50x.html", "<html><body><h1>An error occurred.</h1></body></html>\n")
    layer.dir("var/log/nginx").symlink("var/log/nginx/access.log", "/dev/stdout").symlink("var/log/nginx/error.log", "/dev/stderr")
    layer.dir("var/cache/nginx").dir("var/lib/nginx")
    layer.dir("docker-entrypoint.d").file("docker-entrypoint.sh", script("nginx.sh"), mode=0o755)


def entrypoint(name, *folders):
    def files(layer):
        layer.file("usr/local/bin/docker-entrypoint.sh", script(f"{name}.sh"), mode=0o755)
        for folder, uid in folders:
            layer.dir(folder, 0o755 if uid == 0 else 0o750, uid=uid, gid=uid)
    return files


def python_files(layer):
    for link, to in (("python3", "/usr/bin/python3.11"), ("python", "python3"), ("python3.11", "/usr/bin/python3.11")):
        layer.symlink(f"usr/local/bin/{link}", to)


def postgres_files(layer):
    entrypoint("postgres", ("var/lib/postgresql", 999), ("var/lib/postgresql/data", 999), ("docker-entrypoint-initdb.d", 0))(layer)
    layer.dir("var/run/postgresql", 0o2775, uid=999, gid=999)
    del layer.members["var/run/postgresql"]  # /var/run is a link to /run in the base
    layer.dir("run/postgresql", 0o2775, uid=999, gid=999)


def mysql_files(layer):
    entrypoint("mysql", ("var/lib/mysql", 999), ("docker-entrypoint-initdb.d", 0))(layer)
    layer.dir("run/mysqld", 0o777, uid=999, gid=999)
    layer.file("etc/mysql/my.cnf", "[mysqld]\nuser=mysql\nbind-address=0.0.0.0\nskip-name-resolve\n!includedir /etc/mysql/conf.d/\n")
    layer.dir("etc/mysql/conf.d")


TAGS_MYSQL = ["mysql:latest", "mysql:8", "mysql:8.0", "mysql:5.7", "mysql:5.6", "mariadb:latest", "mariadb:10", "mariadb:11"]
NOLOGIN = "/usr/sbin/nologin"
ALL = [
    Busybox("busybox", ["busybox:latest", "busybox:1", "busybox:1.28", "busybox:1.35", "busybox:1.36", "busybox:stable",
                        "busybox:musl", "busybox:glibc", "registry.k8s.io/busybox:latest"], Cmd=["sh"]),
    Recipe("alpine", ["alpine:latest", "alpine:3", "alpine:3.18", "alpine:3.19", "alpine:3.20"], Cmd=["/bin/sh"]),
    Recipe("debian", ["debian:latest", "debian:12", "debian:bookworm", "debian:bookworm-slim", "ubuntu:latest", "ubuntu:22.04",
                      "bash:latest"], Cmd=["bash"]),
    Layered("layered", ["localhost/layered:latest"], User="app", Entrypoint=["/bin/greet"], Cmd=["hello", "world"],
            WorkingDir="/home/app", Volumes={"/data/volume": {}}, StopSignal="SIGINT", ExposedPorts={"8080/tcp": {}},
            Env=["COLOUR=blue"], Labels={"org.example.kind": "test"}),
    Recipe("nginx", ["nginx:latest", "nginx:1.25", "nginx:1.27", "nginx:alpine", "nginx:1.14.2", "nginx:1.7.9", "nginx:1.21",
                     "nginx:1.25-alpine", "nginx:stable", "registry.k8s.io/nginx-slim:0.8"],
           ["nginx", "nginx-common", "gettext-base"], [("nginx", 101, 101, "/nonexistent", NOLOGIN)], nginx_files,
           Entrypoint=["/docker-entrypoint.sh"], Cmd=["nginx", "-g", "daemon off;"], StopSignal="SIGQUIT",
           ExposedPorts={"80/tcp": {}}, Env=["NGINX_VERSION=1.22.1"]),
    Recipe("redis", ["redis:latest", "redis:alpine", "redis:7", "redis:6", "redis:5.0.4", "redis:7-alpine", "registry.k8s.io/redis:e2e"],
           ["redis-server", "redis-tools", "gosu"], [("redis", 999, 999, "/data", NOLOGIN)], entrypoint("redis", ("data", 999)),
           Entrypoint=["docker-entrypoint.sh"], Cmd=["redis-server"], WorkingDir="/data", Volumes={"/data": {}},
           ExposedPorts={"6379/tcp": {}}),
    Recipe("python", ["python:latest", "python:3", "python:3.11", "python:3.11-slim", "python:3-slim", "python:3.11-alpine"],
           ["python3.11", "python3.11-minimal", "libpython3.11-stdlib", "media-types", "ca-certificates"], [], python_files, Cmd=["python3"]),
    # Python with grpc's own library, for servers that speak it.
    Recipe("grpcio", ["localhost/grpcio:latest"],
           ["python3.11", "python3.11-minimal", "libpython3.11-stdlib", "media-types", "python3-grpcio"], [], python_files, Cmd=["python3"]),
    Recipe("mysql", TAGS_MYSQL, ["mariadb-server-core", "mariadb-client-core", "gosu"], [("mysql", 999, 999, "/var/lib/mysql", NOLOGIN)],
           mysql_files, Entrypoint=["docker-entrypoint.sh"], Cmd=["mysqld"], Volumes={"/var/lib/mysql": {}},
           ExposedPorts={"3306/tcp": {}}),
    Recipe("postgres", ["postgres:latest", "postgres:15", "postgres:14", "postgres:16", "postgres:15-alpine", "postgres:16-alpine"],
           ["postgresql-15", "postgresql-client-15", "gosu", "tzdata"], [("postgres", 999, 999, "/var/lib/postgresql", "/bin/bash")],
           postgres_files, Entrypoint=["docker-entrypoint.sh"], Cmd=["postgres"], StopSignal="SIGINT",
           Volumes={"/var/lib/postgresql/data": {}}, ExposedPorts={"5432/tcp": {}},
           Env=[PATH + ":/usr/lib/postgresql/15/bin", "PGDATA=/var/lib/postgresql/data", "LANG=C.UTF-8", "PG_MAJOR=15"]),
    Recipe("haproxy", ["haproxy:latest", "haproxy:2.6", "haproxy:alpine"], ["haproxy"], [("haproxy", 99, 99, "/var/lib/haproxy", NOLOGIN)],
           entrypoint("haproxy", ("var/lib/haproxy", 99), ("usr/local/etc/haproxy", 0)), User="haproxy", StopSignal="SIGUSR1",
           Entrypoint=["docker-entrypoint.sh"], Cmd=["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]),
    Recipe("memcached", ["memcached:latest", "memcached:1.6", "memcached:alpine"], ["memcached"],
           [("memcache", 11211, 11211, "/nonexistent", NOLOGIN)], None, User="memcache", Cmd=["memcached"], ExposedPorts={"11211/tcp": {}}),
    Recipe("curl", ["curlimages/curl:latest"], ["curl", "ca-certificates"], [("curl_user", 100, 101, "/home/curl_user", "/bin/sh")], None,
           User="curl_user", Entrypoint=["curl"], Cmd=["--help"]),
]
RECIPES = {r.name: r for r in ALL}
