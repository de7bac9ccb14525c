"""Pods' network for real: ports of the host, other pods, the outside; what is taken is given back."""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess

from harness import KPOD, pod
from network_case import NetworkTest, ask, echo, sh


class HostPorts(NetworkTest):
    def test_a_host_port_answers_from_everywhere(self):
        with self.outside() as out:
            self.play(echo('web', '- {containerPort: 80, hostPort: 8080}') + '---\n' + echo('other'))
            self.ready('web', 'other')
            ip, other = self.ip('web'), self.ip('other')
            self.assertRegex(ask('127.0.0.1', 8080), '^web ')
            self.assertRegex(ask('198.51.100.1', 8080), '^web ')
            self.assertEqual(out.ask('198.51.100.1', 8080), 'web 198.51.100.2')
            self.assertRegex(self.ask_from('other', '198.51.100.1', 8080), '^web ')
            self.assertRegex(self.ask_from('web', '198.51.100.1', 8080), '^web ')
            # Straight, nobody's address is changed.
            self.assertEqual(self.ask_from('other', ip, 80), f'web {other}')
            self.assertRegex(ask(ip, 80), '^web ')
            # What the host itself serves is not a pod's.
            self.assertEqual(ask('127.0.0.1', 80), '')

    def test_the_same_port_on_two_addresses(self):
        with self.outside() as out:
            self.play(echo('near', '- {containerPort: 80, hostPort: 9000, hostIP: 127.0.0.1}') + '---\n' +
                      echo('far', '- {containerPort: 80, hostPort: 9000, hostIP: 198.51.100.1}'))
            self.ready('near', 'far')
            self.assertRegex(ask('127.0.0.1', 9000), '^near ')
            self.assertRegex(ask('198.51.100.1', 9000), '^far ')
            self.assertEqual(out.ask('198.51.100.1', 9000), 'far 198.51.100.2')

    def test_a_taken_port_is_refused_by_name(self):
        self.play(echo('first', '- {containerPort: 80, hostPort: 8081}'))
        text = echo('second', '- {containerPort: 80, hostPort: 8081, hostIP: 127.0.0.1}')
        refused = self.play(text, name='second.yaml', rc=125)
        self.assertIn('host port 127.0.0.1:8081/tcp is already used by pod default/first', refused.stderr)
        self.assertEqual(len(self.leases()), 1)
        # UDP's ports are others.
        self.play(echo('third', '- {containerPort: 80, hostPort: 8081, protocol: UDP}'), name='third.yaml')
        with socket.create_server(('127.0.0.1', 8082)):
            refused = self.play(echo('fourth', '- {containerPort: 80, hostPort: 8082}'), name='fourth.yaml', rc=125)
        self.assertIn('host port 8082/tcp is already in use on this machine', refused.stderr)
        refused = self.play(echo('fifth', '- {containerPort: 80, hostPort: 1, hostIP: 203.0.113.9}'),
                            name='fifth.yaml', rc=125)
        self.assertIn('this machine has no address 203.0.113.9', refused.stderr)

    def test_a_lasting_udp_client_reaches_the_next_pod(self):
        text = echo('one', '- {containerPort: 80, hostPort: 5300, protocol: UDP}')
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.2)

            def send():
                with contextlib.suppress(OSError):
                    client.sendto(b'x', ('127.0.0.1', 5300))
                    return client.recv(100).decode().split()[0]
                return ''
            send()  # a flow that nothing translates, before there is a pod
            self.play(text)
            self.wait(lambda: send() == 'one', 'the first pod answers')
            self.down()
            self.play(text.replace('name: one', 'name: two'), name='two.yaml')
            self.wait(lambda: send() == 'two', 'the second pod answers')

    def test_sctp(self):
        try:
            socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132).close()
        except OSError as e:
            self.skipTest(f'the kernel has no SCTP: {e}')
        self.play(pod('s', 'sleep 1000', '', 'ports: [{containerPort: 80, hostPort: 8083, protocol: SCTP}]\n'))
        self.assertIn('sctp . 8083', sh('nft', 'list', 'ruleset'))


class Reach(NetworkTest):
    def test_pods_reach_the_outside_with_the_hosts_address(self):
        with self.outside() as out:
            out.serve(7000)
            self.play(echo('p'))
            self.ready('p')
            self.assertEqual(self.ask_from('p', '198.51.100.2', 7000), 'outside 198.51.100.1')
            self.exec('p', 'ping', '-c', '1', '-W', '3', '198.51.100.2')
            self.exec('p', 'ping', '-c', '1', '-W', '3', '169.254.1.1')
            # Whoever has a route to it reaches a pod, and is seen by its own address.
            out.run('ip', 'route', 'add', self.ip('p'), 'via', '198.51.100.1')
            self.assertEqual(out.ask(self.ip('p'), 80), 'p 198.51.100.2')

    def test_packets_are_as_small_as_the_way_out(self):
        with self.outside(mtu=1400):
            self.play(pod('p', 'sleep 1000'))
            self.assertEqual(self.exec('p', 'cat', '/sys/class/net/eth0/mtu').strip(), '1400')

    def test_a_forward_chain_that_drops_is_opened_and_left_as_it_was(self):
        sh('nft', 'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }')
        self.addCleanup(sh, 'nft', 'delete table ip filter')
        before = sh('nft', 'list', 'table', 'ip', 'filter')
        with self.outside() as out:
            out.serve(7000)
            self.play(echo('p', '- {containerPort: 80, hostPort: 8084}'))
            self.ready('p')
            self.assertEqual(self.ask_from('p', '198.51.100.2', 7000), 'outside 198.51.100.1')
            self.assertEqual(out.ask('198.51.100.1', 8084), 'p 198.51.100.2')
            self.down()
            self.assertEqual(sh('nft', 'list', 'table', 'ip', 'filter'), before)

    def test_a_chain_that_kpod_cannot_open_is_named(self):
        sh('nft', 'add table ip wall; add chain ip wall onward { type filter hook forward priority 0; policy drop; }')
        self.addCleanup(sh, 'nft', 'delete table ip wall')
        info = json.loads(self.kpod('info').stdout)
        self.assertIn('ip wall onward', info['network']['blockedBy'][0])

    def test_ipv6_loopback_and_icmp(self):
        self.play(pod('p', 'sleep 1000'))
        if not pathlib.Path('/proc/net/if_inet6').exists():
            self.skipTest('the kernel has no IPv6')
        self.exec('p', 'ping', '-6', '-c', '1', '-W', '3', '::1')

    def test_a_pod_does_not_speak_for_another(self):
        caps = 'securityContext: {capabilities: {add: [NET_ADMIN]}}\n'
        self.play(pod('liar', 'sleep 1000', '', caps) + '---\n' + echo('honest'))
        self.ready('honest')
        self.exec('liar', 'ip', 'addr', 'add', '10.99.99.99/32', 'dev', 'eth0')
        self.exec('liar', 'ping', '-c', '1', '-W', '3', self.ip('honest'))
        self.kpod('exec', 'liar', 'ping', '-I', '10.99.99.99', '-c', '1', '-W', '1', self.ip('honest'), rc=1)


class Addresses(NetworkTest):
    def test_twenty_at_once_have_twenty_addresses(self):
        self.play('---\n'.join(pod(f'p{i}', 'sleep 1000') for i in range(20)))
        addresses = {self.ip(f'p{i}') for i in range(20)}
        self.assertEqual(len(addresses), 20)
        self.assertEqual(sorted(addresses), self.leases())

    def test_parallel_commands_have_addresses_of_their_own(self):
        children = []
        for i in range(8):
            path = self.write(f'{i}.yaml', pod(f'p{i}', 'sleep 1000', namespace=f'n{i}'))
            self.played.append(path)
            children.append(subprocess.Popen(
                [KPOD, 'play', 'kube', path],
                env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        for child in children:
            _, err = child.communicate(timeout=60)
            self.assertEqual(child.returncode, 0, err)
        self.assertEqual(len({self.status(f'p{i}', f'n{i}')['podIP'] for i in range(8)}), 8)

    def test_a_pod_keeps_its_address_and_a_dead_one_gives_it_back(self):
        self.play(pod('p', 'sleep 1000') + '---\n' + pod('q', 'sleep 1000'))
        address = self.ip('p')
        self.kpod('stop', 'p', '--time', '0')
        self.assertEqual(self.leases(), [self.ip('q')])
        self.kpod('start', 'p')
        self.wait_running('p')
        self.assertEqual(self.ip('p'), address)
        os.kill(self.status('p')['kpodSupervisorPid'], signal.SIGKILL)
        self.wait(lambda: 'Lost' in self.word('p') or 'Failed' in self.word('p'), 'the pod is lost')
        self.play(pod('r', 'sleep 1000'), name='r.yaml')
        self.assertNotIn('p', [p['id'].split('_')[1] for p in json.loads(self.kpod('info').stdout)['network']['pods']
                               if p['ip'] != address])

    def test_no_address_left_is_one_sentence(self):
        (self.root / 'network').mkdir(parents=True, exist_ok=True)
        config = self.root / 'network/config.json'
        config.write_text('{"pods": "10.250.0.0/28", "services": "10.251.0.0/16"}')
        self.addCleanup(config.unlink)
        refused = self.play('---\n'.join(pod(f'p{i}', 'sleep 1000') for i in range(7)), rc=125)
        self.assertIn('no address is free in 10.250.0.0/28', refused.stderr)

    def test_ranges_that_the_machine_uses_are_left_alone(self):
        sh('ip', 'link', 'add', 'lan0', 'type', 'veth', 'peer', 'name', 'lan1')
        self.addCleanup(sh, 'ip', 'link', 'del', 'lan0')
        sh('ip', 'addr', 'add', '10.244.7.1/24', 'dev', 'lan0')
        sh('ip', 'link', 'set', 'lan0', 'up')
        sh('ip', 'link', 'set', 'lan1', 'up')
        self.play(pod('p', 'sleep 1000'))
        self.assertFalse(self.ip('p').startswith('10.244.'), self.ip('p'))


class Mending(NetworkTest):
    def broken(self, *command):
        """Two pods, then something of the network is removed, then a third pod comes."""
        self.play(echo('web', '- {containerPort: 80, hostPort: 8085}'))
        self.ready('web')
        sh(*command)
        self.assertEqual(ask('127.0.0.1', 8085), '')
        self.play(pod('next', 'sleep 1000'), name='next.yaml')
        self.assertRegex(ask('127.0.0.1', 8085), '^web ')
        self.exec('next', 'ping', '-c', '1', '-W', '3', self.ip('web'))

    def test_flushed_rules(self):
        self.broken('nft', 'flush', 'ruleset')

    def test_a_deleted_uplink(self):
        self.broken('ip', 'link', 'del', 'kpod' + self.instance())

    def test_an_uplink_that_is_down(self):
        self.broken('ip', 'link', 'set', 'kpod' + self.instance(), 'down')

    def test_forwarding_switched_off(self):
        with self.outside() as out:
            self.play(echo('web', '- {containerPort: 80, hostPort: 8085}'))
            self.ready('web')
            pathlib.Path('/proc/sys/net/ipv4/ip_forward').write_text('0')
            self.assertNotIn('web', out.ask('198.51.100.1', 8085))
            self.play(pod('next', 'sleep 1000'), name='next.yaml')
            self.assertIn('web', out.ask('198.51.100.1', 8085))

    def test_the_machine_is_as_it_was(self):
        forward = pathlib.Path('/proc/sys/net/ipv4/ip_forward')
        for value in ('0\n', '1\n'):
            forward.write_text(value)
            self.play(pod('p', 'sleep 1000'))
            self.assertEqual(forward.read_text(), '1\n')
            self.down()
            self.assertEqual(forward.read_text(), value)
        self.assertEqual(sh('nft', 'list', 'ruleset'), '')
        self.assertEqual(re.findall(r'kpod\w+', sh('ip', 'link')), [])


class Kinds(NetworkTest):
    def test_network_none_has_a_loopback_only(self):
        self.play(pod('p', 'sleep 1000'), '--network', 'none')
        self.assertEqual(self.exec('p', 'ls', '/sys/class/net').split(), ['lo'])
        self.exec('p', 'ping', '-c', '1', '-W', '1', '127.0.0.1')
        self.assertEqual(self.leases(), [])
        self.assertEqual(self.status('p').get('podIP', ''), '')

    def test_network_host_is_the_hosts(self):
        with self.outside():
            self.play(echo('h', '- {containerPort: 8086}', port=8086), '--network', 'host')
            self.ready('h')
            self.assertRegex(ask('127.0.0.1', 8086), ' 127.0.0.1$')
            self.assertEqual(self.status('h')['podIP'], '198.51.100.1')
            # Other pods reach it by name.
            self.play(echo('p', '- {containerPort: 80, hostPort: 8087}'), name='p.yaml')
            self.assertIn(' ', self.ask_from('p', 'h', 8086))
            refused = self.play(echo('h2', '- {containerPort: 8086}', port=8086), '--network', 'host', name='h2.yaml',
                                rc=125)
            self.assertIn('host port 8086/tcp is already used by pod default/h', refused.stderr)
            refused = self.play(echo('h3', '- {containerPort: 8087}', port=8087), '--network', 'host', name='h3.yaml',
                                rc=125)
            self.assertIn('host port 8087/tcp is already used by pod default/p', refused.stderr)

    def test_an_unknown_network_is_refused(self):
        refused = self.play(pod('p', 'sleep 1000'), '--network', 'nosuch', rc=125)
        self.assertIn('network "nosuch" not found', refused.stderr)
