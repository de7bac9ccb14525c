"""An application of three tiers as it is written for a cluster: they find each other by Services only."""
import contextlib
import threading
import urllib.request

from service_case import ServiceTest, together
from network_case import Outside

FRONT = '''\
apiVersion: v1
kind: ConfigMap
metadata: {name: front}
data:
  nginx.conf: |
    worker_processes 1;
    events { worker_connections 256; }
    http {
      access_log off;
      upstream api { server api:8000; }
      server {
        listen 80;
        location / {
          proxy_pass http://api;
          proxy_connect_timeout 20s;
        }
      }
    }
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: front}
spec:
  replicas: 2
  selector: {matchLabels: {tier: front}}
  template:
    metadata: {labels: {tier: front}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: nginx
        image: nginx:1.25-alpine
        ports: [{name: web, containerPort: 80}]
        readinessProbe: {tcpSocket: {port: web}, periodSeconds: 1}
        volumeMounts: [{name: conf, mountPath: /etc/nginx/nginx.conf, subPath: nginx.conf}]
      volumes: [{name: conf, configMap: {name: front}}]
---
apiVersion: v1
kind: Service
metadata: {name: front}
spec:
  type: NodePort
  selector: {tier: front}
  ports: [{port: 80, targetPort: web, nodePort: 30090}]
'''

# Counts in redis, found by its name; says who it is. Asked for /env, by what the environment says.
API = '''\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 2
  selector: {matchLabels: {tier: api}}
  template:
    metadata: {labels: {tier: api}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: api
        image: python:3.11-slim
        ports: [{name: http, containerPort: 5000}]
        readinessProbe: {httpGet: {path: /ready, port: http}, periodSeconds: 1}
        command: [python3, -u, -c]
        args:
        - |
          import http.server, os, socket
          def redis(host):
              with socket.create_connection((host, int(os.environ["REDIS_SERVICE_PORT"])), timeout=20) as s:
                  s.sendall(b"INCR visits\\r\\n")
                  return s.makefile("rb").readline()[1:].decode().strip()
          class Handler(http.server.BaseHTTPRequestHandler):
              protocol_version = "HTTP/1.1"
              def do_GET(self):
                  try:
                      said, code = "ok", 200
                      if self.path != "/ready":
                          said = redis(os.environ["REDIS_SERVICE_HOST"] if self.path == "/env" else "redis")
                          said = os.uname().nodename + " " + said
                  except OSError as e:
                      said, code = type(e).__name__, 503
                  self.send_response(code)
                  self.send_header("Content-Length", str(len(said)))
                  self.end_headers()
                  self.wfile.write(said.encode())
              def log_message(self, *a):
                  pass
          http.server.ThreadingHTTPServer(("", 5000), Handler).serve_forever()
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec:
  selector: {tier: api}
  ports: [{port: 8000, targetPort: http}]
'''

REDIS = '''\
apiVersion: v1
kind: Pod
metadata: {name: redis-0, labels: {app: redis}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: redis
    image: redis:7-alpine
    ports: [{name: redis, containerPort: 6379}]
    readinessProbe: {exec: {command: [redis-cli, ping]}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: redis}
spec:
  selector: {app: redis}
  ports: [{port: 6379, targetPort: redis}]
'''


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()
    except OSError as e:
        return 0, repr(e)


class Guestbook(ServiceTest):
    images = ['nginx', 'redis', 'python']

    def test_three_tiers(self):
        with contextlib.closing(Outside()) as out:
            self.play(together(FRONT, API, REDIS))
            for name in ('front', 'api'):
                self.wait_endpoints(name, 2)
            self.wait_endpoints('redis', 1)
            url = 'http://127.0.0.1:30090'
            answers = [get(url) for _ in range(20)]
            self.assertEqual({code for code, _ in answers}, {200}, answers)
            self.assertEqual([int(text.split()[1]) for _, text in answers], list(range(1, 21)))
            self.assertEqual({text.split()[0] for _, text in answers}, set(self.ready_endpoints('api')))
            self.assertEqual(get(f'{url}/env')[0], 200)
            self.assertIn('200 OK', out.run('python3', '-c', '''
import socket
s = socket.create_connection(("198.51.100.1", 30090), timeout=5)
s.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n"); print(s.makefile().read())'''))
            # Redis dies: what asks it is told at once, and all goes on when it is back.
            self.kill_twice('redis-0', 'redis')
            self.wait_endpoints('redis', 0)
            code, text = get(url)
            self.assertEqual((code, text), (503, 'ConnectionRefusedError'))
            self.wait(lambda: get(url)[0] == 200, 'redis is back')
            self.endpoints_move_under_load(url)

    def endpoints_move_under_load(self, url):
        """Not one request fails while the middle tier grows and shrinks."""
        stop, failures, done = threading.Event(), [], []

        def load():
            while not stop.is_set():
                answer = get(url)
                done.append(answer) if answer[0] == 200 else failures.append(answer)
        threads = [threading.Thread(target=load) for _ in range(3)]
        for t in threads:
            t.start()
        try:
            self.play(together(FRONT, API.replace('replicas: 2', 'replicas: 4'), REDIS))
            self.wait_endpoints('api', 4)
            served = len(done)
            self.wait(lambda: len(done) > served + 50, 'more requests are served')
        finally:
            stop.set()
            for t in threads:
                t.join()
        self.assertEqual(failures, [], f'{len(done)} requests')
        self.assertEqual(len({text.split()[0] for _, text in done[-50:]}), 4)
