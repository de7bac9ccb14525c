"""Probes: what they ask, what follows from the answer, in the kubelet's words."""
import base64
import http.server
import json
import subprocess
import threading

import machine
from harness import KpodTest, need

SERVE = 'trap "exit 0" TERM; touch /tmp/up; sleep 1000 & wait'
# A first process takes no signal for which it has no handler yet.
UP = {'startupProbe': {'periodSeconds': 1, 'timeoutSeconds': 60, 'failureThreshold': 60, 'exec': {'command': ['test', '-e', '/tmp/up']}}}


def container(name, command=SERVE, image='busybox', **more):
    fields = {'name': name, 'image': image, **more}
    if command:
        fields['command'] = ['/bin/sh', '-c', command]
    return fields


def every_second(**more):
    """A probe that is asked each second and believed at once, however long its answer takes."""
    return {'periodSeconds': 1, 'failureThreshold': 1, 'timeoutSeconds': 60, **more}


class ProbeTest(KpodTest):
    def pod(self, name, *containers, options=(), **spec):
        spec = {'terminationGracePeriodSeconds': 5, 'containers': list(containers), **spec}
        self.play(json.dumps({'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name}, 'spec': spec}),
                  *options, name=f'{name}.yaml')

    def keep(self, kind, name, data):
        """Plays a ConfigMap or a Secret."""
        self.play(json.dumps({'apiVersion': 'v1', 'kind': kind, 'metadata': {'name': name}, 'data': data}),
                  name=f'{name}-data.yaml')

    def serve(self, status=200):
        """An HTTP server on the machine's loopback, and what it is asked: path and User-Agent."""
        asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_one_request(self):
                if self.rfile.peek(1)[:1] != b'\x16':
                    return super().handle_one_request()
                # As servers answer who speaks TLS to them.
                self.close_connection = True
                return self.wfile.write(b'HTTP/1.0 400 Bad Request\r\n\r\n')

            def do_GET(self):
                asked.append(f'{self.path} {self.headers["User-Agent"]}')
                self.send_response(status)
                self.end_headers()

            def log_message(self, *arguments):
                pass
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(lambda: (server.shutdown(), thread.join(), server.server_close()))
        return server, asked

    def ready(self, pod, name='main'):
        return self.container(pod, name).get('ready', False)

    def wait_ready(self, pod, name='main', ready=True):
        self.wait(lambda: self.ready(pod, name) == ready, f'{name} of {pod} is {"" if ready else "not "}ready')

    def condition(self, pod, kind):
        return next((c['status'] for c in self.status(pod).get('conditions', []) if c['type'] == kind), '')

    def event(self, text):
        """The line of the first event with that text, once it is there."""
        return self.wait(lambda: next((l for l in self.kpod('events').stdout.splitlines() if text in l), None), text)

    def restarts(self, pod, name='main'):
        return self.container(pod, name).get('restartCount', 0)


class Readiness(ProbeTest):
    images = ['busybox', 'nginx', 'redis']

    def test_nginx_is_ready_as_long_as_it_answers(self):
        start = 'until [ -e /tmp/go ]; do sleep 0.05; done; exec nginx -g "daemon off;"'
        self.pod('web', container('main', start, 'nginx', ports=[{'name': 'web', 'containerPort': 80}],
                                  readinessProbe=every_second(httpGet={'port': 'web', 'path': '/'})))
        ip = self.status('web')['podIP']
        self.assertIn('Warning', self.event(
            f'Readiness probe failed: Get "http://{ip}:80/": dial tcp {ip}:80: connect: connection refused'))
        self.event('Unhealthy')
        status = self.container('web', 'main')
        self.assertEqual((status['ready'], status['started']), (False, True))
        self.assertIn('0/1', self.word('web'))
        self.assertEqual((self.condition('web', 'ContainersReady'), self.condition('web', 'Ready')), ('False', 'False'))

        self.exec('web', 'touch', '/tmp/go')
        self.wait_ready('web')
        self.assertIn('1/1', self.word('web'))
        self.assertEqual(self.condition('web', 'Ready'), 'True')

        site = '/usr/share/nginx/html'
        self.exec('web', 'mv', site + '/index.html', site + '/gone')
        self.wait_ready('web', ready=False)
        self.event('Readiness probe failed: HTTP probe failed with statuscode: 403')
        self.assertEqual(self.condition('web', 'Ready'), 'False')
        self.exec('web', 'mv', site + '/gone', site + '/index.html')
        self.wait_ready('web')
        self.assertEqual(self.restarts('web'), 0)

    def test_redis_by_a_connection_and_by_its_own_client(self):
        redis = {'image': 'redis', 'command': None}
        self.pod('db', container('tcp', ports=[{'name': 'redis', 'containerPort': 6379}],
                                 readinessProbe=every_second(tcpSocket={'port': 'redis'}), **redis),
                 container('exec', args=['--port', '6380'],
                           readinessProbe=every_second(exec={'command': ['redis-cli', '-p', '6380', 'ping']}), **redis))
        self.wait_ready('db', 'tcp')
        self.wait_ready('db', 'exec')
        self.assertIn('2/2', self.word('db'))

    def test_success_threshold(self):
        """Two answers in a row: one answer, which takes its file with it, is not enough."""
        eat = '[ -e /tmp/well ] || rm /tmp/once'
        self.pod('web', container('main', readinessProbe=every_second(
            successThreshold=2, exec={'command': ['/bin/sh', '-c', eat]})))
        self.event('Readiness probe failed: ')
        self.exec('web', 'touch', '/tmp/once')
        self.wait(lambda: 'gone' in self.exec('web', 'sh', '-c', '[ -e /tmp/once ] || echo gone'), 'the file is taken')
        failures = self.kpod('events').stdout.count('Readiness probe failed')
        self.wait(lambda: self.kpod('events').stdout.count('Readiness probe failed') > failures, 'another failure')
        self.assertFalse(self.ready('web'))
        self.exec('web', 'touch', '/tmp/well')
        self.wait_ready('web')


class Liveness(ProbeTest):
    def test_what_fails_is_restarted(self):
        """Each kind; and the probe's own grace period counts, where the pod's would last for minutes."""
        stubborn = 'trap "" TERM; while :; do sleep 1; done'
        self.pod('web',
                 container('exec', livenessProbe=every_second(exec={'command': ['sh', '-c', 'echo not well; exit 7']}), **UP),
                 container('http', livenessProbe=every_second(httpGet={'port': 81, 'path': '/healthz?full=1'}), **UP),
                 container('tcp', stubborn, livenessProbe=every_second(tcpSocket={'port': 82},
                                                                       terminationGracePeriodSeconds=1)),
                 container('well', livenessProbe=every_second(exec={'command': ['true']})),
                 terminationGracePeriodSeconds=600)
        ip = self.status('web')['podIP']
        for name, words in (('exec', 'not well'),
                            ('http', f'Get "http://{ip}:81/healthz?full=1": dial tcp {ip}:81: connect: connection refused'),
                            ('tcp', f'dial tcp {ip}:82: connect: connection refused')):
            self.event(f'Liveness probe failed: {words}')
            self.event(f'Container {name} failed liveness probe, will be restarted')
            self.wait(lambda n=name: self.restarts('web', n) > 0, f'{name} is restarted')
        self.assertEqual(self.container('web', 'exec')['lastState']['terminated']['exitCode'], 0)
        self.assertEqual(self.container('web', 'tcp')['lastState']['terminated']['exitCode'], 137)
        self.assertEqual(self.restarts('web', 'well'), 0)

    def test_never_restarted_it_fails(self):
        self.pod('web', container('main', SERVE.replace('exit 0', 'exit 9'),
                                  livenessProbe=every_second(exec={'command': ['false']}), **UP), restartPolicy='Never')
        self.wait_phase('web', 'Failed')
        line = self.event('Container main failed liveness probe')
        self.assertNotIn('will be restarted', line)
        self.assertEqual(self.container('web', 'main')['state']['terminated']['exitCode'], 9)

    def test_a_command_that_hangs_is_ended(self):
        """And whoever keeps its output open is not waited for."""
        self.pod('web',
                 container('hangs', readinessProbe=every_second(timeoutSeconds=1, exec={'command': ['sleep', '4321']})),
                 container('leaves', readinessProbe=every_second(exec={'command': ['sh', '-c', 'sleep 1234 &']})))
        self.event('Readiness probe failed: command timed out: "sleep 4321" timed out after 1s')
        self.wait_ready('web', 'leaves')
        self.assertFalse(self.ready('web', 'hangs'))
        count = 'Readiness probe failed: command timed out'
        self.wait(lambda: self.kpod('events').stdout.count(count) >= 2, 'a second timeout')
        hanging = [line for line in machine.processes().values() if line == 'sleep 4321']
        self.assertLessEqual(len(hanging), 1)


class Startup(ProbeTest):
    def test_it_gates_the_others(self):
        self.pod('web', container('main',
                                  startupProbe={'periodSeconds': 1, 'failureThreshold': 600,
                                                'exec': {'command': ['test', '-e', '/tmp/started']}},
                                  readinessProbe=every_second(exec={'command': ['true']}),
                                  livenessProbe=every_second(exec={'command': ['sh', '-c', 'echo unwell; exit 1']})))
        self.wait(lambda: self.kpod('events').stdout.count('Startup probe failed: ') >= 2, 'two failures')
        status = self.container('web', 'main')
        self.assertEqual((status['ready'], status['started'], status['restartCount']), (False, False, 0))
        self.assertNotIn('Liveness', self.kpod('events').stdout)
        self.exec('web', 'touch', '/tmp/started')
        self.wait(lambda: self.restarts('web') == 1, 'a restart')
        self.event('Liveness probe failed: unwell')
        self.wait_running('web')
        # A new run has to start anew.
        self.assertFalse(self.container('web', 'main')['started'])

    def test_failed_it_restarts(self):
        self.pod('web', container('main', startupProbe=every_second(tcpSocket={'port': 81})))
        self.event('Startup probe failed: dial tcp')
        self.event('Container main failed startup probe, will be restarted')
        self.wait(lambda: self.restarts('web') > 0, 'a restart')
        self.assertFalse(self.container('web', 'main')['started'])


# A health service of two files, by an HTTP/2 server that is not of the probe's library.
GRPC = '''
daemon off;
events {}
http {
  server {
    listen 9090 http2;
    root /tmp/health;
    location /grpc.health.v1.Health/ {
      default_type application/grpc;
      add_trailer grpc-status 0;
      error_page 405 =200 $uri;
    }
  }
}
'''
TLS = '''
daemon off;
events {}
http {
  server {
    listen 8443 ssl;
    ssl_certificate /tls/tls.crt;
    ssl_certificate_key /tls/tls.key;
    location / { return 200 "served"; }
    location /busy { return 503; }
  }
}
'''
CONF = [{'name': 'conf', 'mountPath': '/conf'}]
# The health service of grpc's own library: SERVING while /tmp/serving is there.
HEALTH = '''
import concurrent.futures, os, grpc

def check(request, context):
    if request not in (b'', b'\\n\\x02db'):
        context.abort(grpc.StatusCode.NOT_FOUND, 'unknown service')
    return bytes([8, 1 if os.path.exists('/tmp/serving') else 2])

server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(
    'grpc.health.v1.Health', {'Check': grpc.unary_unary_rpc_method_handler(check)})])
server.add_insecure_port('0.0.0.0:9090')
server.start()
server.wait_for_termination()
'''


class GrpcServer(ProbeTest):
    images = ['busybox', 'grpcio']

    def test_a_grpc_health_server(self):
        self.keep('ConfigMap', 'health', {'health.py': HEALTH})
        self.pod('web', container('main', 'exec python3 /conf/health.py', 'localhost/grpcio', volumeMounts=CONF,
                                  readinessProbe=every_second(timeoutSeconds=10, grpc={'port': 9090, 'service': 'db'})),
                 container('other', readinessProbe=every_second(timeoutSeconds=10, grpc={'port': 9090, 'service': 'cache'})),
                 volumes=[{'name': 'conf', 'configMap': {'name': 'health'}}])
        self.event('Readiness probe failed: service unhealthy (responded with "NOT_SERVING")')
        self.event('Readiness probe failed: error: health rpc probe failed: rpc error: code = NotFound desc = unknown service')
        self.exec('web', '-c', 'main', 'touch', '/tmp/serving')
        self.wait_ready('web')
        self.exec('web', '-c', 'main', 'rm', '/tmp/serving')
        self.wait_ready('web', ready=False)


class Kinds(ProbeTest):
    images = ['busybox', 'nginx']

    def test_grpc(self):
        answer = r'mkdir -p /tmp/health/grpc.health.v1.Health; cd /tmp/health/grpc.health.v1.Health; ' \
                 r'say() { printf "\0\0\0\0\2\10\\$1" > new; mv new Check; }; '
        self.keep('ConfigMap', 'nginx', {'nginx.conf': GRPC})
        self.pod('web', container('main', answer + 'say 2; exec nginx -c /conf/nginx.conf', 'nginx', volumeMounts=CONF,
                                  readinessProbe=every_second(grpc={'port': 9090, 'service': 'db'})),
                 container('other', readinessProbe=every_second(timeoutSeconds=1, grpc={'port': 9091})),
                 volumes=[{'name': 'conf', 'configMap': {'name': 'nginx'}}])
        self.event('Readiness probe failed: service unhealthy (responded with "NOT_SERVING")')
        self.exec('web', 'sh', '-c', answer + 'say 1')
        self.wait_ready('web')
        self.exec('web', 'rm', '/tmp/health/grpc.health.v1.Health/Check')
        self.wait_ready('web', ready=False)
        ip = self.status('web')['podIP']
        self.event(f'timeout: failed to connect service "{ip}:9091" within 1s: context deadline exceeded')

    def test_https_without_asking_who_it_is(self):
        need('openssl')
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                        '-days', '1', '-subj', '/CN=nobody', '-keyout', self.dir / 'key', '-out', self.dir / 'crt'],
                       check=True, capture_output=True)
        data = {f'tls.{n}': base64.b64encode((self.dir / n).read_bytes()).decode() for n in ('key', 'crt')}
        self.keep('Secret', 'tls', data)
        self.keep('ConfigMap', 'nginx', {'nginx.conf': TLS})

        def probe(path):
            return every_second(httpGet={'port': 8443, 'scheme': 'HTTPS', 'path': path})
        self.pod('web', container('main', 'exec nginx -c /conf/nginx.conf', 'nginx',
                                  volumeMounts=[*CONF, {'name': 'tls', 'mountPath': '/tls'}], readinessProbe=probe('/')),
                 container('busy', readinessProbe=probe('/busy')),
                 volumes=[{'name': 'tls', 'secret': {'secretName': 'tls'}}, {'name': 'conf', 'configMap': {'name': 'nginx'}}])
        self.wait_ready('web')
        self.event('Readiness probe failed: HTTP probe failed with statuscode: 503')
        self.assertFalse(self.ready('web', 'busy'))

    def test_headers_and_redirects(self):
        tell = '#!/bin/sh\necho "asked $HTTP_USER_AGENT $HTTP_HOST $HTTP_ACCEPT $HTTP_X_PROBE" > /proc/1/fd/1\n'
        answer = {'ask': tell + 'echo; echo ok',
                  'away': '#!/bin/sh\nprintf "Status: 302\\r\\nLocation: http://elsewhere.example/\\r\\n\\r\\ngo"',
                  'on': '#!/bin/sh\nprintf "Status: 302\\r\\nLocation: /cgi-bin/ask\\r\\n\\r\\n"'}
        self.keep('ConfigMap', 'cgi', answer)

        def probe(path, **more):
            return every_second(httpGet={'port': 8080, 'path': '/cgi-bin/' + path, **more})
        self.pod('web', container('main', 'exec httpd -f -p 8080 -h /www',
                                  volumeMounts=[{'name': 'cgi', 'mountPath': '/www/cgi-bin'}],
                                  readinessProbe=probe('ask', httpHeaders=[{'name': 'Host', 'value': 'web.example'},
                                                                           {'name': 'X-Probe', 'value': 'a b'}])),
                 container('away', readinessProbe=probe('away')),
                 container('on', readinessProbe=probe('on', httpHeaders=[{'name': 'User-Agent', 'value': 'me'}])),
                 volumes=[{'name': 'cgi', 'configMap': {'name': 'cgi', 'defaultMode': 0o755}}])
        for name in ('main', 'away', 'on'):
            self.wait_ready('web', name)
        self.wait_log('web', 'asked kube-probe/1.36 web.example */* a b', '-c', 'main')
        self.wait_log('web', f'asked me {self.status("web")["podIP"]}:8080 */*', '-c', 'main')
        self.assertIn('ProbeWarning', self.event('Readiness probe warning: Probe terminated redirects, Response body: go'))

    def test_what_gives_no_answer_counts_neither_way(self):
        self.pod('web', container('port', livenessProbe=every_second(tcpSocket={'port': 'nosuch'})),
                 container('command', livenessProbe=every_second(exec={'command': ['/no/such']})))
        self.event('Liveness probe errored and resulted in unknown state: port "nosuch" not found')
        self.event('/no/such')
        errored = 'Liveness probe errored'
        self.wait(lambda: self.kpod('events').stdout.count(errored) >= 4, 'errors of both, twice')
        self.assertEqual((self.restarts('web', 'port'), self.restarts('web', 'command')), (0, 0))

    def test_without_a_network(self):
        self.pod('web', container('main', 'mkdir /tmp/www; echo hi > /tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www',
                                  readinessProbe=every_second(httpGet={'port': 8080})), options=['--network', 'none'])
        self.wait_ready('web')

    def test_a_host_of_its_own_is_asked_from_the_machine(self):
        server, asked = self.serve()

        def probe(host):
            return every_second(httpGet={'port': server.server_port, 'host': host, 'path': '/' + host})
        self.pod('web', container('address', readinessProbe=probe('127.0.0.1')),
                 container('name', readinessProbe=probe('localhost')),
                 container('unknown', readinessProbe=every_second(tcpSocket={'port': 80, 'host': 'no such name'})))
        self.wait_ready('web', 'address')
        self.wait_ready('web', 'name')
        self.assertEqual({line.split()[0] for line in asked}, {'/127.0.0.1', '/localhost'})
        self.event('Readiness probe failed: dial tcp: lookup no such name: no such host')


class Hooks(ProbeTest):
    def test_by_http_any_answer_is_one(self):
        server, asked = self.serve(status=500)
        to = {'host': '127.0.0.1', 'port': server.server_port}
        self.pod('web', container('main', lifecycle={'postStart': {'httpGet': {**to, 'path': '/start', 'scheme': 'HTTPS'}},
                                                     'preStop': {'httpGet': {**to, 'path': '/stop'}}}))
        self.wait_ready('web')
        self.assertEqual(asked, ['/start kube-lifecycle/1.36'])
        self.assertIn('LifecycleHTTPFallback', self.event(
            f'request to HTTPS lifecycle hook 127.0.0.1:{server.server_port} got HTTP response, retry with HTTP succeeded'))
        self.kpod('kube', 'down', self.dir / 'web.yaml')
        self.assertEqual(asked[1:], ['/stop kube-lifecycle/1.36'])

    def test_without_an_answer_the_container_ends(self):
        self.pod('web', container('main', lifecycle={'postStart': {'httpGet': {'port': 81, 'path': '/start'}}}))
        ip = self.status('web')['podIP']
        self.event(f'PostStartHook failed: Get "http://{ip}:81/start": dial tcp {ip}:81: connect: connection refused')
        self.wait(lambda: self.restarts('web') > 0, 'a restart')
