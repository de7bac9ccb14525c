"""Endpoints for real: they follow the pods, and nothing is lost while they do."""
import contextlib
import os
import socket
import threading
import time

from harness import pod
from service_case import ServiceTest, deployment, server, service, together
from network_case import Outside, ask, sh


class Endpoints(ServiceTest):
    def test_they_follow_readiness_restarts_scaling_and_deaths(self):
        self.play(together(service('web'), deployment('web', 2)))
        self.wait_endpoints('web', 2)
        ip = self.address('web')
        first, second = self.ready_endpoints('web')

        def who():
            return {ask(ip, 80).split()[0] for _ in range(24)}
        self.assertEqual(who(), {first, second})
        self.exec(first, 'rm', '/tmp/ready')
        self.wait_endpoints('web', 1)
        self.assertEqual(who(), {second})
        self.exec(second, 'rm', '/tmp/ready')
        self.wait_endpoints('web', 0)
        self.refused(ip, 80)
        self.exec(first, 'touch', '/tmp/ready')
        self.exec(second, 'touch', '/tmp/ready')
        self.wait_endpoints('web', 2)
        self.assertEqual(who(), {first, second})
        # A container that dies is no endpoint until it is ready again.
        self.kill_twice(first)
        self.wait(lambda: self.ready_endpoints('web') == [second], 'the dead one is gone')
        self.assertEqual(who(), {second})
        self.wait_endpoints('web', 2)
        self.play(together(service('web'), deployment('web', 3)))
        self.wait_endpoints('web', 3)
        self.play(together(service('web'), deployment('web', 1)))
        self.assertEqual(len(self.ready_endpoints('web')), 1, 'when the command returns')
        self.assertEqual(who(), set(self.ready_endpoints('web')))

    def test_a_supervisor_that_is_killed_is_found_by_the_next_command(self):
        self.play(together(service('web'), server('a'), server('b')))
        ip = self.address('web')
        self.wait_log('b', 'ready')
        dead = self.status('a')['kpodSupervisorPid']
        os.kill(dead, 9)
        self.wait(lambda: not os.path.exists(f'/proc/{dead}'), 'it has let go of its lock')
        self.kpod('pod', 'restart', 'b')
        self.assertEqual(self.ready_endpoints('web'), ['b'])
        self.wait(lambda: ask(ip, 80), 'b listens again')
        self.assertEqual({ask(ip, 80).split()[0] for _ in range(10)}, {'b'})

    def test_host_network_and_ended_pods(self):
        job = pod('done', 'exit 0', 'restartPolicy: Never\n').replace('  name: done\n',
                                                                        '  name: done\n  labels: {app: web}\n')
        with contextlib.closing(Outside()):
            self.play(together(service('web'), job, server('h', extra='hostNetwork: true\n'),
                               server('client', 'app: client')))
            self.wait_log('h', 'ready')
            self.wait_phase('done', 'Succeeded')
            self.wait(lambda: self.ready_endpoints('web') == ['h'], 'the one that runs')
            ip = self.address('web')
            here = os.uname().nodename
            self.assertRegex(self.ask_from('client', ip, 80), f'^{here} ')
            self.assertRegex(ask(ip, 80), f'^{here} ')

    def test_without_a_selector(self):
        with contextlib.closing(Outside()) as out:
            out.serve(7000)
            endpoints = """
apiVersion: v1
kind: Endpoints
metadata: {name: db}
subsets:
- addresses: [{ip: 198.51.100.2}]
  ports: [{port: 7000}]
"""
            part = """
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: more-1, labels: {kubernetes.io/service-name: more}}
addressType: IPv4
endpoints: [{addresses: [198.51.100.2]}]
ports: [{port: 7000}]
"""
            self.play(together(service('db', selector=''), service('more', selector=''), endpoints, part,
                               server('client', 'app: client')))
            self.wait_log('client', 'ready')
            for name in ('db', 'more'):
                self.assertEqual(self.ask_from('client', self.address(name), 80), 'outside 198.51.100.1')
                self.assertEqual(ask(self.address(name), 80), 'outside 198.51.100.1')
            # Local to no node, as nothing says where they are.
            self.play(service('db', 'internalTrafficPolicy: Local', selector=''), name='local.yaml')
            self.assertEqual(self.ask_from('client', self.address('db'), 80), 'no: TimeoutError')

    def test_affinity(self):
        self.play(together(service('web', 'sessionAffinity: ClientIP\nsessionAffinityConfig: '
                                   '{clientIP: {timeoutSeconds: 3600}}'), *[server(n, probe=True) for n in 'abc']))
        self.wait_endpoints('web', 3)
        ip = self.address('web')
        mine = ask(ip, 80).split()[0]
        self.assertEqual({ask(ip, 80).split()[0] for _ in range(20)}, {mine})
        # The others' changes do not matter; one's own endpoint's end does.
        other = next(n for n in 'abc' if n != mine)
        self.exec(other, 'rm', '/tmp/ready')
        self.wait_endpoints('web', 2)
        self.assertEqual({ask(ip, 80).split()[0] for _ in range(20)}, {mine})
        self.exec(mine, 'rm', '/tmp/ready')
        self.wait_endpoints('web', 1)
        last = next(n for n in 'abc' if n not in (mine, other))
        self.assertEqual({ask(ip, 80).split()[0] for _ in range(20)}, {last})
        self.exec(mine, 'touch', '/tmp/ready')
        self.exec(other, 'touch', '/tmp/ready')
        self.wait_endpoints('web', 3)
        self.assertEqual({ask(ip, 80).split()[0] for _ in range(20)}, {last})

        # The memory ends when nothing happens for its time.
        self.play(service('web', 'sessionAffinity: ClientIP\nsessionAffinityConfig: {clientIP: {timeoutSeconds: 1}}'), name='brief.yaml')
        mine = ask(ip, 80).split()[0]

        def another():
            time.sleep(1.1)
            return ask(ip, 80).split()[0] != mine
        self.wait(another, 'it goes to another')

    def test_a_lasting_udp_client_goes_to_another_endpoint(self):
        ports = '[{port: 80, targetPort: 8080, protocol: UDP}]'
        self.play(together(service('web', ports=ports), server('a', probe=True), server('b', probe=True)))
        self.wait_endpoints('web', 2)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(30)
            client.connect((self.address('web'), 80))

            def who():
                client.send(b'x')
                return client.recv(100).decode().split()[0]
            first = who()
            self.assertEqual({who() for _ in range(10)}, {first})
            self.exec(first, 'rm', '/tmp/ready')
            self.wait_endpoints('web', 1)
            second = who()
            self.assertNotEqual(second, first)
            self.exec(first, 'touch', '/tmp/ready')
            self.wait_endpoints('web', 2)
            self.assertEqual({who() for _ in range(10)}, {second})


class Steadiness(ServiceTest):
    def load(self, address, port, stop, failures, counts):
        while not stop.is_set():
            try:
                with socket.create_connection((address, port), timeout=30) as s:
                    text = s.makefile().read()
                if not text:
                    failures.append('an empty answer')
                    continue
                counts[text.split()[0]] = counts.get(text.split()[0], 0) + 1
            except OSError as e:
                failures.append(repr(e))

    def test_no_request_fails_while_endpoints_change(self):
        text = together(service('web'), deployment('web', 3))
        self.play(text)
        self.wait_endpoints('web', 3)
        ip = self.address('web')
        stop, failures, counts = threading.Event(), [], {}
        threads = [threading.Thread(target=self.load, args=(ip, 80, stop, failures, counts)) for _ in range(4)]
        for t in threads:
            t.start()
        try:
            for _ in range(4):
                flipped = self.ready_endpoints('web')[0]
                self.exec(flipped, 'rm', '/tmp/ready')
                self.wait_endpoints('web', 2)
                self.exec(flipped, 'touch', '/tmp/ready')
                self.wait_endpoints('web', 3)
            self.wait(lambda: failures or sum(counts.values()) > 100, 'many requests were served')
        finally:
            stop.set()
            for t in threads:
                t.join()
        self.assertEqual(failures, [], f'{sum(counts.values())} requests')

    def test_an_established_connection_outlives_every_rewrite(self):
        keeper = pod('keeper', 'while true; do nc -l -p 8080 -e cat; done').replace(
            '  name: keeper\n', '  name: keeper\n  labels: {app: keep}\n')
        self.play(together(service('keep', selector='app: keep'), keeper))
        ip = self.address('keep')

        def connect():
            with contextlib.suppress(OSError):
                return socket.create_connection((ip, 80), timeout=30)
        with self.wait(connect, 'the server listens') as s:
            def echo(text):
                s.sendall(text)
                return s.recv(100)
            self.assertEqual(echo(b'one'), b'one')
            self.play(together(service('other'), service('keep', selector='app: keep',
                                                         ports='[{name: a, port: 80, targetPort: 8080}, '
                                                               '{name: b, port: 81}]')), name='more.yaml')
            self.assertEqual(echo(b'two'), b'two')
            sh('nft', 'flush', 'ruleset')
            self.play(service('third'), name='third.yaml')
            self.assertEqual(echo(b'three'), b'three')

    def test_rules_that_were_flushed_come_back_with_the_next_command(self):
        self.play(together(service('web', 'type: NodePort'), server('a')))
        self.wait_log('a', 'ready')
        port, ip = self.node_port('web'), self.address('web')
        self.assertRegex(ask('127.0.0.1', port), '^a ')
        sh('nft', 'flush', 'ruleset')
        self.refused('127.0.0.1', port)
        self.play(pod('b', 'sleep 1000'), name='b.yaml')
        self.assertRegex(ask('127.0.0.1', port), '^a ')
        self.in_node('nft', 'flush', 'ruleset')
        self.play(pod('b', 'sleep 1000'), name='b.yaml')
        self.assertRegex(ask(ip, 80), '^a ')
        # And when it is noticed while something changes.
        self.in_node('nft', 'flush', 'ruleset')
        self.play(service('more'), name='more.yaml')
        self.assertRegex(ask(ip, 80), '^a ')

    def in_node(self, *argv):
        return sh('nsenter', f'--net={self.run_dir}/netns/node', *argv)

    def test_a_hundred_services(self):
        many = [service(f's-{i}', ports=f'[{{port: {1000 + i}, targetPort: 8080}}]') for i in range(120)]
        self.play(together(*many, server('a')))
        self.wait_log('a', 'ready')
        table = self.records()
        self.assertEqual(len({s['clusterIPs'][0] for s in table.values()}), 120)
        for i in (0, 57, 119):
            self.assertRegex(ask(self.address(f's-{i}'), 1000 + i), '^a ')
        self.down()
        self.assertEqual(self.records(), {})
