import { join } from 'node:path';
import { unitDirectory } from '../paths.js';
import { quickStart } from './quick-start.js';

/**
 * What a member's Patroni is started by (ADR 12): `python3 patroni-prompt.py PATRONI_SCRIPT patroni.yml` runs that very script, after
 * it taught a few of Patroni's fixed sleeps to look whether what they wait for is already there. Patroni's decisions and
 * writes stay its own. Each wait is known by the code of the one function that it is in; where that looks different from Patroni 4.0's,
 * it stays as it is. Python 3.9 or later.
 */
export const promptLauncher = `"""Run Patroni's own script, with the waits below cut short once what they wait for is there, and with the first of its
etcd servers preferred.

Usage: patroni-prompt.py PATRONI_SCRIPT [ARGUMENT...]
"""
import base64
import ctypes
import dis
import glob
import json
import logging
import os
import runpy
import shutil
import socket
import subprocess
import sys
import time
import urllib.request


class Unknowable(Exception):
    """What the sleep waits for cannot be seen."""


def standbys_confirmed(held):
    """PostgreSQL lets commits wait, and confirms the synchronous standbys that Patroni picked.

    After the sleep Patroni asks the latter (current_state) and writes what it is answered. It still does, by a query of
    its own: what is cached here is thrown away. Looking often changes nothing: a standby found ready stays so until
    synchronous_standby_names changes, however it is found.

    But "sync" is a word of the WAL senders. That commits wait at all is the checkpointer's to switch on, when it reads
    the configuration; one busy with a checkpoint, as after a promotion, does it late. If synchronous_standby_names was
    empty, the full sleep is kept. If it was not ('*' in strict mode), the checkpointer has been told long ago, and is
    seen asleep where it has read what it was told. The change of names itself leaves no gap: commits that another
    standby acknowledged under the old ones lie before the position that the new one must have reached to be confirmed.
    """
    if held['current_state'].sync_type == 'off':
        raise Unknowable
    ha = held['self']
    postgresql = ha.state_handler
    checkpointer = "SELECT wait_event FROM pg_catalog.pg_stat_activity WHERE backend_type = 'checkpointer'"
    if not any(row[0] in ('CheckpointerMain', 'CheckpointWriteDelay') for row in postgresql.query(checkpointer, retry=False)):
        return False
    postgresql.reset_cluster_info_state(None)
    try:
        return held['picked'] <= postgresql.sync_handler.current_state(ha.cluster).sync_confirmed
    finally:
        postgresql.reset_cluster_info_state(None)


def another_leads(held):
    """Another member holds the leader key and says that it is the primary: somebody has taken the lock.

    More than the sleep asks for, because what comes next, whether to rewind, can only be decided with a leader that is
    a primary (Rewind._check_timeline_and_lsn). It is read from where Patroni reads it next.
    """
    ha = held['self']
    leader = ha.dcs.get_cluster().leader
    return bool(leader and leader.name and leader.name != ha.state_handler.name
                and leader.member.data.get('role') == 'primary')


def standby_has_all(held):
    """A member that may take over has received the shutdown checkpoint, so all there is.

    The check for which the sleep gives the standbys time; Patroni does it again and releases the leader key only if
    it is true. PostgreSQL, not Patroni, waits for the others: its postmaster ends once all connected standbys
    have the checkpoint. Without anybody to ask Patroni would only say so each time.
    """
    if not held['self'].get_failover_candidates(False):
        raise Unknowable
    return held['self'].is_failover_possible(cluster_lsn=held['checkpoint_location'])


# Where in Ha, how long it sleeps, how often to look (seconds; the last asks other members), what it waits for, what that needs to see.
WAITS = (
    (('_process_multisync_replication',), 2, 0.03, standbys_confirmed, ('self', 'picked', 'current_state')),
    (('process_unhealthy_cluster',), 2, 0.05, another_leads, ('self',)),
    (('demote',), 2, 0.05, another_leads, ('self',)),
    (('demote', 'on_shutdown'), 1, 0.1, standby_has_all, ('self', 'checkpoint_location')),
    (('shutdown', '_on_shutdown'), 1, 0.1, standby_has_all, ('self', 'checkpoint_location')),
)
PROMOTED_EVERY = 0.03
# How long one etcd server is waited for, in seconds. How long Patroni goes on trying, retry_timeout, stays as it is.
ETCD_PATIENCE = 1.5


def code_of(owner, path):
    code = getattr(owner, path[0]).__code__
    for name in path[1:]:
        code = next(each for each in code.co_consts if getattr(each, 'co_name', None) == name)
    return code


def uses(code, name):
    return sum(each.argval == name for each in dis.get_instructions(code))


def sleeps_once(code, seconds, names):
    seen = code.co_varnames + code.co_cellvars + code.co_freevars
    return uses(code, 'sleep') == 1 and uses(code, seconds) > 0 and all(name in seen for name in names)


def wait(seconds, every, arrived, held):
    """Like time.sleep(seconds), but ends once arrived(held); should that fail, it is the sleep."""
    end = time.monotonic() + seconds
    try:
        while not arrived(held):
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(every, left))
        return
    except Exception:
        logging.getLogger('patroni.prompt').debug('sleeping instead of looking', exc_info=True)
    time.sleep(max(0, end - time.monotonic()))


class PromptTime(object):
    """What patroni.ha sees as the module time."""

    def __init__(self, waits):
        self._waits = waits

    def __getattr__(self, name):
        return getattr(time, name)

    def sleep(self, seconds):
        caller = sys._getframe(1)
        known = self._waits.get((caller.f_code, seconds))
        if known is None:
            return time.sleep(seconds)
        wait(seconds, known[0], known[1], caller.f_locals)


def shorten_sleeps(ha):
    """Returns the names of the functions in patroni.ha whose sleep was replaced."""
    waits, names = {}, []
    for path, seconds, every, arrived, needs in WAITS:
        try:
            code = code_of(ha.Ha, path)
            if sleeps_once(code, seconds, needs):
                waits[code, seconds] = every, arrived
                names.append('.'.join(path))
        except Exception:
            continue
    if not waits or ha.time is not time:
        return []
    ha.time = PromptTime(waits)
    return names


def shorten_promotion(postgresql, utils):
    """Whether a promotion is over is asked every 30 ms instead of every second: the same question with the same answer."""
    code = code_of(postgresql.Postgresql, ('_wait_promote',))
    original = postgresql.polling_loop
    if original is not utils.polling_loop or uses(code, 'polling_loop') != 1:
        return []

    def polling_loop(timeout, interval=1):
        prompt = interval == 1 and sys._getframe(1).f_code == code
        return original(timeout, PROMOTED_EVERY if prompt else interval)

    postgresql.polling_loop = polling_loop
    return ['_wait_promote']


def return_to_first_etcd(client):
    """Have the client ask the first server in its configuration again, once that one is in touch with etcd's leader.

    That is the one beside it, which it cannot be cut off from. Once it has failed, Patroni stays with the next for good, and
    the loss of that one's host, say the primary's, then costs it a whole timeout in the middle of a failover.
    """
    first = client._config['hosts'][0]
    if client._base_uri == first:
        return
    if client.http.request('GET', first + '/health', timeout=0.2, retries=False).status == 200:
        client.set_base_uri(first)


def prefer_first_etcd(ha):
    """Look before each turn of Patroni's loop."""
    original = ha.Ha.run_cycle

    def run_cycle(self):
        try:
            return_to_first_etcd(self.dcs._client)
        except Exception:
            logging.getLogger('patroni.prompt').debug('staying with another etcd server', exc_info=True)
        return original(self)

    ha.Ha.run_cycle = run_cycle


def wait_less_for_one_etcd(etcd):
    """Ask the next etcd server after ETCD_PATIENCE.

    What a follower passed on to a leader whose host was cut off at that moment is never answered; it takes Patroni a third of
    retry_timeout to ask again, and the new leader is there after one second.
    """
    client = etcd.AbstractEtcdClientWithFailover
    original = client._calculate_timeouts

    def _calculate_timeouts(self, etcd_nodes, timeout=None):
        nodes, seconds, retries = original(self, etcd_nodes, timeout)
        return nodes, min(seconds, ETCD_PATIENCE), retries

    client._calculate_timeouts = _calculate_timeouts


def send_to_etcd_at_once(etcd3):
    """Set TCP_NODELAY on connections to etcd, which urllib3 asks for and Patroni's own options take the place of.

    A request is two small writes, its head and its body. Without it the body waits until etcd's system acknowledges the head,
    which it puts off for 40 ms: of a call that takes 3 ms. A promotion makes four of them.
    """
    original = etcd3.Etcd3.set_socket_options

    def set_socket_options(self, sock, socket_options):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return original(self, sock, socket_options)

    etcd3.Etcd3.set_socket_options = set_socket_options


def judge_etcd_by_its_servers(etcd3):
    """Take the path of etcd's API from the version of the server that is asked, where the members have not agreed on one yet.

    As long as one of them has never been seen, the version that they agree on is 3.0, whatever they are. Patroni would ask for the paths of
    that version, which servers since 3.4 do not have, and never look again: a member that starts before all of etcd's hosts are up would
    stay outside until somebody starts it again.
    """
    client = etcd3.Etcd3Client
    original = client._ensure_version_prefix

    def _ensure_version_prefix(self, base_uri, **kwargs):
        original(self, base_uri, **kwargs)
        if self.version_prefix == '/v3':
            return
        answer = self._handle_server_response(self.http.urlopen(self._MGET, base_uri + '/version', **kwargs))
        version = tuple(int(each) for each in answer['etcdserver'].split('.'))
        if version >= (3, 4):
            self._cluster_version, self.version_prefix = version, '/v3'

    client._ensure_version_prefix = _ensure_version_prefix


${quickStart}

def shorten_waits(early):
    shortened = []
    try:
        # In this order, which is Patroni's: ha first would be a circle.
        from patroni import postgresql, ha, utils
        shortened += shorten_sleeps(ha)
        shortened += shorten_promotion(postgresql, utils)
        prefer_first_etcd(ha)
        from patroni import collections, global_config
        from patroni.postgresql import bootstrap, postmaster
        start_postmaster_directly(postmaster)
        go_on_after_bootstrap(ha)
        sync_copies_at_once(bootstrap, find_syncfs())
        commit_strictly_from_the_start(bootstrap, global_config, collections.CaseInsensitiveSet)
        if early is not None:
            use_early_initdb(early, postgresql, ha)
        # All that Patroni's first steps load, while etcd elects its leader.
        from patroni import __main__, api, config_generator, dcs, request
        from patroni.dcs import etcd, etcd3
        wait_less_for_one_etcd(etcd)
        send_to_etcd_at_once(etcd3)
        judge_etcd_by_its_servers(etcd3)
    except Exception as error:
        print('patroni-prompt: %r' % error, file=sys.stderr)
    print('patroni-prompt: waits cut short: %s' % (', '.join(shortened) or 'none'), file=sys.stderr, flush=True)


def main():
    del sys.argv[0]
    # As if the script had been started: its folder, not this one's, is where Python looks for modules first.
    if sys.path[0] == os.path.dirname(os.path.realpath(__file__)):
        sys.path[0] = os.path.dirname(os.path.realpath(sys.argv[0]))
    # With options Patroni only answers something and ends.
    if not any(argument.startswith('-') for argument in sys.argv[1:]):
        start = begin(sys.argv[-1])
        shorten_waits(start and start.early)
        if start is not None:
            start.wait()
    runpy.run_path(sys.argv[0], run_name='__main__')


if __name__ == '__main__':
    main()
`;

export function promptLauncherPath(stateDirectory: string, member: string): string {
  return join(unitDirectory(stateDirectory, member), 'patroni-prompt.py');
}

/**
 * Puts the launcher between the interpreter and Patroni's script. A script without its interpreter is left alone: which Python its
 * first line names, and so which packages it sees, is not known here.
 */
export function withPromptLauncher(argv: readonly [string, ...string[]], launcher: string): [string, ...string[]] {
  const [program, ...rest] = argv;
  return rest.length === 0 ? [program] : [program, ...rest.slice(0, -1), launcher, ...rest.slice(-1)];
}
