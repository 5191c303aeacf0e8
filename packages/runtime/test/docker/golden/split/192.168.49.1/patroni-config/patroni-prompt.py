"""Run Patroni's own script, with the waits below cut short once what they wait for is there, and with the first of its
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



def parse_yaml_with_libyaml():
    """The same documents by libyaml, where the system's package has it: a seventh of the time, for some thousand lines a start."""
    import yaml
    loader = getattr(yaml, 'CSafeLoader', None)
    if loader is not None:
        yaml.safe_load = lambda stream: yaml.load(stream, loader)


# Starts a program that is nobody's child: prints its pid to a descriptor and ends. What Python ignores is not ignored there.
SPAWN = '''import os, sys
from _signal import SIGPIPE, SIGXFSZ
answer = int(sys.argv[1])
os.set_inheritable(answer, False)
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ, setsigdef=[SIGPIPE, SIGXFSZ])
os.write(answer, b'%d' % pid)
'''


class Postmaster(object):
    """A multiprocessing.Process for pg_ctl_start(connection, command, environment) and nothing else."""

    def __init__(self, target, args):
        self._target, self._args = target, args

    def start(self):
        connection, command, environment = self._args
        answer, write = os.pipe()
        with os.fdopen(answer, 'rb') as reader:
            try:
                between = subprocess.Popen([sys.executable, '-I', '-S', '-c', SPAWN, str(write)] + command, env=environment,
                                           pass_fds=(write,), start_new_session=True)
            finally:
                os.close(write)
            pid = reader.read()
        between.wait()
        connection.send(int(pid) if pid else None)
        connection.close()

    def join(self):
        pass


class PostmasterContext(object):
    """What patroni.postgresql.postmaster sees as the module multiprocessing."""

    def __init__(self, original):
        self._original = original

    def __getattr__(self, name):
        return getattr(self._original, name)

    def get_context(self, method):
        context = self._original.get_context(method)

        class Context(object):
            Pipe, Process = context.Pipe, Postmaster

        return Context


def start_postmaster_directly(postmaster):
    """Start PostgreSQL by a bare interpreter in between. Patroni's has to load all of Patroni first, for each start of a server."""
    start = code_of(postmaster.PostmasterProcess, ('start',))
    if uses(start, 'get_context') == 1 and uses(start, 'pg_ctl_start') == 1 and uses(postmaster.pg_ctl_start.__code__, 'Popen') == 1:
        postmaster.multiprocessing = PostmasterContext(postmaster.multiprocessing)


def remove_what_was_cut_off(data):
    for left in glob.glob(glob.escape(data) + '.early.*'):
        shutil.rmtree(left, ignore_errors=True)


class EarlyInitdb(object):
    """initdb beside the place where the data directory will be, while etcd elects its leader and Patroni starts.

    What it makes is used if Patroni comes to run the very same initdb, by a rename; else it is deleted. No server has ever run in it.
    """

    def __init__(self, configuration):
        postgresql = configuration['postgresql']
        self._data = os.path.abspath(postgresql['data_dir'])
        self._path = '%s.early.%d' % (self._data, os.getpid())
        self._options = ['--%s=%s' % next(iter(each.items())) if isinstance(each, dict) else '--' + each
                         for each in configuration['bootstrap']['initdb']]
        self._options.append('--username=' + postgresql['authentication']['superuser']['username'])
        read, write = os.pipe()
        environment = {name: value for name, value in os.environ.items() if not name.startswith('PATRONI_')}
        try:
            # A password is far shorter than what a pipe holds.
            os.write(write, os.environ['PATRONI_SUPERUSER_PASSWORD'].encode() + b'\n')
            self._process = subprocess.Popen([os.path.join(postgresql['bin_dir'], 'initdb')] + self._options
                                             + ['--pwfile=/dev/fd/%d' % read, self._path],
                                             env=environment, pass_fds=(read,), stdout=subprocess.DEVNULL)
        finally:
            os.close(read)
            os.close(write)

    def take(self, options, data):
        """Whether the data directory is there now, as initdb with these options would have made it."""
        same = [each for each in options if not each.startswith('--pwfile=')] == self._options and data == self._data
        try:
            if not same or self._process.wait() != 0 or (os.path.isdir(data) and os.listdir(data)):
                return False
            os.rename(self._path, data)
            parent = os.open(os.path.dirname(data), os.O_RDONLY)
            try:
                os.fsync(parent)
            finally:
                os.close(parent)
            return True
        finally:
            self.discard()

    def discard(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._path, ignore_errors=True)


def use_early_initdb(early, postgresql, ha):
    initdb, run_cycle = postgresql.Postgresql.initdb, ha.Ha.run_cycle
    left = [early]

    def take_early(self, *args, **kwargs):
        try:
            if left and left.pop().take(list(args), self.data_dir):
                return True
        except OSError:
            logging.getLogger('patroni.prompt').warning('running initdb anew', exc_info=True)
        return initdb(self, *args, **kwargs)

    def run_cycle_and_discard(self):
        result = run_cycle(self)
        if left and not self.state_handler.bootstrapping:
            # The database is somebody else's to make, or exists.
            left.pop().discard()
        return result

    postgresql.Postgresql.initdb = take_early
    ha.Ha.run_cycle = run_cycle_and_discard


def commit_strictly_from_the_start(bootstrap, global_config, names):
    """In strict mode have commits wait for a standby before the lock is taken, and so before anybody is let in; Patroni does the same right
    after. Its own statements here commit locally."""
    original = bootstrap.Bootstrap.post_bootstrap

    def post_bootstrap(self, config, task):
        result = original(self, config, task)
        if result and global_config.is_synchronous_mode and global_config.is_synchronous_mode_strict:
            self._postgresql.sync_handler.set_synchronous_standby_names(names('*'))
        return result

    bootstrap.Bootstrap.post_bootstrap = post_bootstrap


def go_on_after_bootstrap(ha):
    """Have Patroni's next turn, which makes the replicas' slots, follow at once where there is a new database. It would come up to a second later,
    when a replica with a copy of so little is there already: refused, that one would wait before it knocks again."""
    original = ha.Ha.post_bootstrap
    if uses(original.__code__, 'take_leader') != 1:
        return

    def post_bootstrap(self):
        result = original(self)
        if not self.state_handler.bootstrapping:
            self.wakeup()
        return result

    ha.Ha.post_bootstrap = post_bootstrap


def find_syncfs():
    """The C library's function; None where the kernel, before Linux 5.8, does not tell by it that something could not be written."""
    try:
        release = [int(each) for each in os.uname().release.split('-')[0].split('.')[:2]]
        return getattr(ctypes.CDLL(None, use_errno=True), 'syncfs', None) if release >= [5, 8] else None
    except (OSError, ValueError):
        return None


def sync_file_system(syncfs, descriptor):
    if syncfs(descriptor) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def sync_copies_at_once(bootstrap, syncfs):
    """Sync a base backup by one call for a file system, instead of one for each of a thousand files, each of which waits for the journal.

    PostgreSQL syncs every file once more when it starts in a copy. But it goes on where that fails; here the copy is taken back.
    """
    original = bootstrap.Bootstrap.basebackup
    if syncfs is None or uses(original.__code__, 'process_user_options') != 1:
        return

    def basebackup(self, conn_url, env, options):
        if not isinstance(options, list):
            return original(self, conn_url, env, options)
        data = os.path.abspath(self._postgresql.data_dir)
        # Opened before: a descriptor is told what could not be written since.
        folders = [os.open(os.path.dirname(data), os.O_RDONLY)]
        try:
            result = original(self, conn_url, env, options + ['no-sync'])
            if result == 0:
                links = [os.path.join(data, 'pg_wal')] + glob.glob(os.path.join(glob.escape(data), 'pg_tblspc', '*'))
                folders += [os.open(each, os.O_RDONLY) for each in links if os.path.islink(each)]
                for each in folders:
                    sync_file_system(syncfs, each)
            return result
        except OSError:
            logging.getLogger('patroni.prompt').exception('the copy could not be written to the disk, and is removed')
            self._postgresql.remove_data_directory()
            return 1
        finally:
            for each in folders:
                os.close(each)

    bootstrap.Bootstrap.basebackup = basebackup


ETCD_SECONDS, FIRST_SECONDS = 60, 2


def ask_etcd(url, key=None):
    """Its health, or, with a key, whether etcd has that; False when it does not answer."""
    body = key and json.dumps({'key': base64.b64encode(key.encode()).decode(), 'count_only': True}).encode()
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, body, 1) as answer:
            return bool(json.loads(answer.read()).get('count')) if key else answer.status == 200
    except (OSError, ValueError):
        return False


def poll(seconds, arrived):
    end = time.monotonic() + seconds
    while not arrived() and time.monotonic() < end:
        time.sleep(0.03)


def wait_for_etcd(hosts, initialize):
    """Until etcd has a leader: asked before, Patroni would sleep 5 s. With the key initialize also, for a moment, until the member that is
    first, and makes the database already, has put that there."""
    poll(ETCD_SECONDS, lambda: any(ask_etcd('http://%s/health' % host) for host in hosts))
    if initialize is not None:
        poll(FIRST_SECONDS, lambda: any(ask_etcd('http://%s/v3/kv/range' % host, initialize) for host in hosts))


class Start(object):
    """What can be done before Patroni runs; the section holdfast of patroni.yml, which Patroni does not read, is about it."""

    def __init__(self, path):
        import yaml
        with open(path) as file:
            self._configuration = yaml.safe_load(file)
        data = self._configuration['postgresql']['data_dir']
        remove_what_was_cut_off(os.path.abspath(data))
        self._empty = not (os.path.isdir(data) and os.listdir(data))
        self._first = self._configuration['holdfast']['early_initdb']
        # As process 1 Patroni works in a process of its own, which could not tell how initdb ended, while this one reaps it.
        may = self._empty and self._first and os.getpid() != 1
        self.early = EarlyInitdb(self._configuration) if may else None

    def wait(self):
        etcd = self._configuration['etcd3']
        if etcd['protocol'] == 'http':
            key = '%s%s/initialize' % (self._configuration['namespace'], self._configuration['scope'])
            wait_for_etcd(etcd['hosts'], key if self._empty and not self._first else None)


def begin(path):
    """A start that cannot be made quicker is Patroni's own."""
    try:
        parse_yaml_with_libyaml()
        return Start(path)
    except Exception as error:
        print('patroni-prompt: %r' % error, file=sys.stderr)


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
