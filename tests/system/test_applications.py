"""Real servers, with the manifests that people write for their images, and with their own clients."""
import urllib.request

from harness import KpodTest


class Applications(KpodTest):
    images = ['nginx', 'redis', 'postgres', 'mysql', 'memcached']

    def pod_of(self, app):
        """The running pod of a Deployment."""
        return self.wait(lambda: next((p for p in self.pods() if p.startswith(app + '-')), None), f'a pod of {app}')

    def get(self, url):
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.read().decode()

    def test_nginx_with_its_configuration_and_without_root(self):
        self.play('''\
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: nginx-config}
            data:
              nginx.conf: |
                worker_processes 1;
                pid /tmp/nginx.pid;
                error_log /var/log/nginx/error.log notice;
                events { worker_connections 64; }
                http {
                  access_log /var/log/nginx/access.log;
                  client_body_temp_path /tmp/body;
                  server {
                    listen 8080;
                    location / { root /usr/share/nginx/html; }
                    location = /healthz { return 200 "ok\\n"; }
                  }
                }
              index.html: "<h1>Mine</h1>\\n"
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: web
              labels: {app: web}
            spec:
              replicas: 2
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec:
                  terminationGracePeriodSeconds: 5
                  securityContext: {runAsUser: 101, runAsGroup: 101, fsGroup: 101, runAsNonRoot: true}
                  containers:
                  - name: nginx
                    image: nginx:1.25-alpine
                    ports: [{name: http, containerPort: 8080}]
                    securityContext:
                      allowPrivilegeEscalation: false
                      readOnlyRootFilesystem: true
                      capabilities: {drop: [ALL]}
                      seccompProfile: {type: RuntimeDefault}
                    resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {cpu: 500m, memory: 64Mi}}
                    volumeMounts:
                    - {name: config, mountPath: /etc/nginx/nginx.conf, subPath: nginx.conf, readOnly: true}
                    - {name: html, mountPath: /usr/share/nginx/html}
                    - {name: tmp, mountPath: /tmp}
                    - {name: cache, mountPath: /var/cache/nginx}
                    - {name: cache, mountPath: /var/lib/nginx, subPath: lib}
                  volumes:
                  - {name: config, configMap: {name: nginx-config}}
                  - {name: html, configMap: {name: nginx-config, items: [{key: index.html, path: index.html}]}}
                  - {name: tmp, emptyDir: {medium: Memory}}
                  - name: cache
                    emptyDir: {}
            ''')
        self.assertEqual(len(self.pods()), 2)
        for name in self.pods():
            base = f'http://{self.status(name)["podIP"]}:8080'
            self.wait(lambda: self.answers(f'{base}/healthz'), f'{name} answers')
            self.assertEqual(self.get(f'{base}/'), '<h1>Mine</h1>\n')
            self.wait_log(name, 'GET / HTTP/1.1')

    def answers(self, url):
        try:
            return self.get(url)
        except OSError:
            return None

    def test_redis_with_configuration_password_and_data(self):
        text = '''\
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: redis-config}
            data:
              redis.conf: |
                appendonly yes
                appendfsync always
                dir /data
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: redis}
            type: Opaque
            data: {password: czNjcmV0}
            ---
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata: {name: redis-data}
            spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: redis}
            spec:
              strategy: {type: Recreate}
              selector: {matchLabels: {app: redis}}
              template:
                metadata: {labels: {app: redis}}
                spec:
                  terminationGracePeriodSeconds: 10
                  containers:
                  - name: redis
                    image: redis:7-alpine
                    command: [redis-server]
                    args: [/usr/local/etc/redis/redis.conf, --requirepass, $(REDIS_PASSWORD), --port, "6379"]
                    env:
                    - name: REDIS_PASSWORD
                      valueFrom: {secretKeyRef: {name: redis, key: password}}
                    ports: [{containerPort: 6379}]
                    volumeMounts: [{name: config, mountPath: /usr/local/etc/redis}, {name: data, mountPath: /data}]
                  volumes:
                  - {name: config, configMap: {name: redis-config}}
                  - {name: data, persistentVolumeClaim: {claimName: redis-data}}
            '''
        self.play(text)

        def cli(*argv):
            return self.kpod('exec', self.pod_of('redis'), '--', 'redis-cli', '-a', 's3cret', '--no-auth-warning', *argv, rc=None).stdout.strip()
        self.wait(lambda: cli('ping') == 'PONG', 'redis answers')
        self.assertEqual(cli('set', 'key', 'kept'), 'OK')
        denied = self.kpod('exec', self.pod_of('redis'), '--', 'redis-cli', 'get', 'key', rc=None)
        self.assertIn('NOAUTH', denied.stdout + denied.stderr)
        self.play(text.replace('"6379"]', '"6379", --loglevel, verbose]'))  # another template, another pod
        self.wait(lambda: cli('ping') == 'PONG', 'the new redis answers')
        self.assertEqual(cli('get', 'key'), 'kept')

    def test_postgres_as_its_image_is_used(self):
        text = '''\
            apiVersion: v1
            kind: Secret
            metadata: {name: postgres}
            stringData: {POSTGRES_USER: shop, POSTGRES_PASSWORD: s3cret, POSTGRES_DB: orders}
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: postgres-init}
            data:
              10-tables.sql: |
                CREATE TABLE goods (name text);
                INSERT INTO goods VALUES ('apple'), ('pear');
            ---
            apiVersion: v1
            kind: PersistentVolumeClaim
            metadata: {name: postgres}
            spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: postgres}
            spec:
              replicas: 1
              strategy: {type: Recreate}
              selector: {matchLabels: {app: postgres}}
              template:
                metadata: {labels: {app: postgres}}
                spec:
                  securityContext: {fsGroup: 999%s}
                  containers:
                  - name: postgres
                    image: postgres:16-alpine
                    imagePullPolicy: IfNotPresent
                    envFrom: [{secretRef: {name: postgres}}]
                    ports: [{containerPort: 5432}]
                    volumeMounts:
                    - {name: data, mountPath: /var/lib/postgresql/data, subPath: postgres}
                    - {name: init, mountPath: /docker-entrypoint-initdb.d}
                    - {name: shm, mountPath: /dev/shm}
                  volumes:
                  - {name: data, persistentVolumeClaim: {claimName: postgres}}
                  - {name: init, configMap: {name: postgres-init}}
                  - {name: shm, emptyDir: {medium: Memory, sizeLimit: 128Mi}}
            '''
        self.play(text % '')

        def sql(query):
            done = self.kpod('exec', '-e', 'PGPASSWORD=s3cret', self.pod_of('postgres'), '--', 'psql', '-h', '127.0.0.1', '-U', 'shop', '-d', 'orders',
                             '-Atc', query, rc=None)
            return done.stdout.split() if done.returncode == 0 else None
        self.wait(lambda: sql('SELECT 1') == ['1'], 'postgres answers', 180)
        self.assertEqual(sql('SELECT name FROM goods ORDER BY 1'), ['apple', 'pear'])
        sql("INSERT INTO goods VALUES ('plum')")
        # As its own user from the start: the data is the group's, and the entrypoint changes no owner.
        self.play(text % ', runAsUser: 999, runAsGroup: 999, runAsNonRoot: true')
        self.wait(lambda: sql('SELECT 1') == ['1'], 'postgres answers again', 180)
        self.assertEqual(sql('SELECT name FROM goods ORDER BY 1'), ['apple', 'pear', 'plum'])
        self.assertEqual(self.exec(self.pod_of('postgres'), 'id', '-u').strip(), '999')

    def test_mariadb_with_a_password_file(self):
        self.play('''\
            apiVersion: v1
            kind: Secret
            metadata: {name: mysql}
            stringData: {root: r00t, user: s3cret}
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: mysql}
            data: {my.cnf: "[mysqld]\\nmax_connections=17\\n"}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: mysql}
            spec:
              terminationGracePeriodSeconds: 20
              containers:
              - name: mysql
                image: mysql:8.0
                env:
                - {name: MYSQL_ROOT_PASSWORD_FILE, value: /run/secrets/mysql/root}
                - {name: MYSQL_DATABASE, value: blog}
                - {name: MYSQL_USER, value: writer}
                - {name: MYSQL_PASSWORD, valueFrom: {secretKeyRef: {name: mysql, key: user}}}
                args: [--character-set-server=utf8mb4, --innodb-buffer-pool-size=16M]
                volumeMounts:
                - {name: secret, mountPath: /run/secrets/mysql, readOnly: true}
                - {name: config, mountPath: /etc/mysql/conf.d}
                - {name: data, mountPath: /var/lib/mysql}
              volumes:
              - {name: secret, secret: {secretName: mysql, defaultMode: 0444}}
              - {name: config, configMap: {name: mysql}}
              - {name: data, emptyDir: {}}
            ''')

        def sql(user, password, query):
            done = self.kpod('exec', 'mysql', '--', 'mariadb', '-h127.0.0.1', f'-u{user}', f'-p{password}', '-Ne', query, rc=None)
            return done.stdout.split() if done.returncode == 0 else None
        self.wait(lambda: sql('root', 'r00t', 'SELECT 1') == ['1'], 'mariadb answers', 180)
        self.assertEqual(sql('writer', 's3cret', 'CREATE TABLE blog.t (a int); SHOW TABLES FROM blog'), ['t'])
        self.assertEqual(sql('root', 'r00t', 'SELECT @@max_connections, @@character_set_server'), ['17', 'utf8mb4'])
        self.kpod('stop', 'mysql')
        self.assertEqual(self.container('mysql', 'mysql')['state']['terminated']['exitCode'], 0)

    def test_memcached_behind_nothing(self):
        self.play('''\
            apiVersion: v1
            kind: Pod
            metadata: {name: cache}
            spec:
              terminationGracePeriodSeconds: 5
              containers:
              - name: memcached
                image: memcached:1.6
                args: [memcached, -m, "8", -l, 0.0.0.0]
                ports: [{containerPort: 11211, hostPort: 21211}]
            ''')
        script = 'printf "set k 0 0 5\\r\\nvalue\\r\\nget k\\r\\nquit\\r\\n" | nc 127.0.0.1 11211'
        self.wait(lambda: 'value' in self.kpod('exec', 'cache', 'sh', '-c', script, rc=None).stdout, 'memcached answers')
        self.assertEqual(self.exec('cache', 'id', '-u').strip(), '11211')
