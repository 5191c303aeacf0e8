"""Lets Patroni's own etcd client lose its first server and looks where it asks afterwards, how long it waited for a silent one, and whether what
it sends goes out at once, and which paths it asks for while etcd's members have agreed on an old version.

Usage: prompt-launcher-etcd.py LAUNCHER
Output, JSON: {"asks": {step: "first" | "second"}, "silent": {"before" | "after": seconds}, "noDelay": {"before" | "after": bool},
"prefix": {"before" | "after": path}}
"""
import json
import runpy
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

launcher = runpy.run_path(sys.argv[1])
from patroni import postgresql, ha  # noqa: E402, F401 (in Patroni's order)
from patroni.dcs import etcd  # noqa: E402
from patroni.dcs.etcd import DnsCachingResolver  # noqa: E402
from patroni.dcs import etcd3  # noqa: E402
from patroni.dcs.etcd3 import PatroniEtcd3Client  # noqa: E402
from patroni.utils import Retry  # noqa: E402

health = {'status': 200, 'seconds': 0}


class First(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == '/health':
            time.sleep(health['seconds'])
        self.send_response(health['status'] if self.path == '/health' else 200)
        self.end_headers()
        self.wfile.write(b'{"etcdserver": "3.5.0", "etcdcluster": "3.5.0"}')

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(('127.0.0.1', 0), First)
threading.Thread(target=server.serve_forever, daemon=True).start()
first, second = 'http://127.0.0.1:%d' % server.server_port, 'http://127.0.0.1:1'
config = {'hosts': [first, second], 'protocol': 'http', 'use_proxies': True, 'retry_timeout': 9}
client = PatroniEtcd3Client(config, DnsCachingResolver())

# The loop itself is not what is looked at here.
ha.Ha.run_cycle = lambda self: 'a turn'
launcher['prefer_first_etcd'](ha)
loop = SimpleNamespace(dcs=SimpleNamespace(_client=client))
asks = {}


def turn(name, status=200, seconds=0):
    health.update(status=status, seconds=seconds)
    assert ha.Ha.run_cycle(loop) == 'a turn'
    asks[name] = 'first' if client._base_uri == first else 'second'




class Answering(First):
    def do_POST(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{}')


class Silent(First):
    def do_POST(self):
        time.sleep(8)


def seconds_past_a_silent_one():
    servers = [ThreadingHTTPServer(('127.0.0.1', 0), each) for each in (Silent, Answering)]
    for each in servers:
        each.daemon_threads = True
        threading.Thread(target=each.serve_forever, daemon=True).start()
    urls = ['http://127.0.0.1:%d' % each.server_port for each in servers]
    asking = PatroniEtcd3Client({**config, 'hosts': urls}, DnsCachingResolver())
    begin = time.monotonic()
    asking.range('key', retry=Retry(deadline=9, max_delay=1, max_tries=-1))
    seconds = time.monotonic() - begin
    assert asking._base_uri == urls[1], asking._base_uri
    for each in servers:
        each.shutdown()
        each.server_close()
    return seconds


def sends_at_once():
    """Whether the connections of Patroni's etcd client have TCP_NODELAY, when urllib3 asks for it."""
    owner = SimpleNamespace(ttl=5, loop_wait=1, _retry=SimpleNamespace(deadline=3))
    with socket.socket() as sock:
        etcd3.Etcd3.set_socket_options(owner, sock, [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)])
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


class Young(Answering):
    """One member of etcd has not been seen yet."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"etcdserver": "3.4.23", "etcdcluster": "3.0.0"}')


def prefix_at_first():
    server = ThreadingHTTPServer(('127.0.0.1', 0), Young)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = 'http://127.0.0.1:%d' % server.server_port
    asking = PatroniEtcd3Client({**config, 'hosts': [url]}, DnsCachingResolver())
    asking._ensure_version_prefix(url)
    server.shutdown()
    server.server_close()
    return asking.version_prefix


prefix = {'before': prefix_at_first()}
launcher['judge_etcd_by_its_servers'](etcd3)
prefix['after'] = prefix_at_first()

no_delay = {'before': sends_at_once()}
launcher['send_to_etcd_at_once'](etcd3)
no_delay['after'] = sends_at_once()

silent = {'before': seconds_past_a_silent_one()}
launcher['wait_less_for_one_etcd'](etcd)
silent['after'] = seconds_past_a_silent_one()

turn('as it begins')
client.set_base_uri(second)
turn('without a leader', status=503)
turn('frozen', seconds=1)
turn('well again')
server.shutdown()
server.server_close()
client.http.clear()
client.set_base_uri(second)
turn('gone')
loop.dcs = None
turn('written in another way')
json.dump({'asks': asks, 'silent': silent, 'noDelay': no_delay, 'prefix': prefix}, sys.stdout)
