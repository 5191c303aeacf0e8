"""Runs what the launcher does to begin sooner, and prints what happened. Not as root, as which initdb does not run.

Usage: prompt-launcher-start.py LAUNCHER FOLDER POSTGRES_BIN
Output: JSON, one key a trial
"""
import json
import os
import runpy
import signal
import sys
import time

launcher = runpy.run_path(sys.argv[1])
folder, binaries = sys.argv[2:]
from patroni import postgresql, ha  # noqa: E402 (in Patroni's order)
from patroni.postgresql import bootstrap, postmaster  # noqa: E402

report = {}
untouched = postmaster.multiprocessing
launcher['start_postmaster_directly'](postmaster)
report['found'] = postmaster.multiprocessing is not untouched


def status_of(pid):
    with open('/proc/%d/status' % pid) as file:
        return dict(line.rstrip('\n').split(':\t', 1) for line in file if ':\t' in line)


def start(command):
    """As PostmasterProcess.start does it."""
    context = postmaster.multiprocessing.get_context('spawn')
    parent, child = context.Pipe(False)
    process = context.Process(target=postmaster.pg_ctl_start, args=(child, command, {'PATH': os.environ['PATH'], 'KEPT': 'yes'}))
    process.start()
    pid = parent.recv()
    process.join()
    return pid


pid = start(['/bin/sleep', '60'])
time.sleep(0.2)
status = status_of(pid)
with open('/proc/%d/environ' % pid) as file:
    environment = file.read().split('\0')
report['started'] = {
    'child': int(status['PPid']) == os.getpid(),
    'session': os.getsid(pid) == os.getsid(0),
    'ignored': [number for number in range(1, 32) if int(status['SigIgn'], 16) >> (number - 1) & 1],
    'descriptors': sorted(int(name) for name in os.listdir('/proc/%d/fd' % pid)),
    'environment': 'KEPT=yes' in environment,
}
os.kill(pid, signal.SIGKILL)
report['missing'] = start(['/nowhere/postgres'])


def configuration(name):
    return {'postgresql': {'data_dir': os.path.join(folder, name), 'bin_dir': binaries,
                           'authentication': {'superuser': {'username': 'owner'}}},
            'bootstrap': {'initdb': ['data-checksums', {'encoding': 'UTF8'}, {'locale': 'C.UTF-8'}]}}


options = ['--data-checksums', '--encoding=UTF8', '--locale=C.UTF-8', '--username=owner', '--pwfile=/elsewhere']
os.environ['PATRONI_SUPERUSER_PASSWORD'] = 'known here only'


class Ha(object):
    bootstrapping = False

    def __init__(self, result):
        self.state_handler, self._result = self, result

    def run_cycle(self):
        return self._result


class Postgresql(object):
    def __init__(self, name):
        self.data_dir = os.path.join(folder, name)

    def initdb(self, *args, **kwargs):
        return 'anew'


def trial(name, arguments, before=lambda early: None, other=False):
    """What Patroni's initdb answers, whether a database is there, and what is left beside it."""
    ha, server = type('Ha', (Ha,), {}), type('Postgresql', (Postgresql,), {})
    os.mkdir(os.path.join(folder, '%s.early.1' % name))
    launcher['remove_what_was_cut_off'](os.path.join(folder, name))
    early = launcher['EarlyInitdb'](configuration(name))
    launcher['use_early_initdb'](early, type('Module', (), {'Postgresql': server}), type('Module', (), {'Ha': ha}))
    before(early)
    if other:
        ha('another makes it').run_cycle()
    answer = server(name).initdb(*arguments)
    again = server(name).initdb(*arguments)
    return {'answer': answer, 'again': again, 'made': os.path.exists(os.path.join(folder, name, 'PG_VERSION')),
            'left': [each for each in os.listdir(folder) if each.startswith(name + '.')], 'process': early._process.returncode is not None}


report['taken'] = trial('taken', options)
report['other options'] = trial('different', ['--encoding=LATIN1'] + options)
report['killed'] = trial('killed', options, lambda early: early._process.kill())
report['another leads'] = trial('another', options, other=True)


def fill(early):
    os.mkdir(os.path.join(folder, 'full'))
    open(os.path.join(folder, 'full', 'somebody'), 'w').close()


report['not empty'] = trial('full', options, fill)

syncfs = launcher['find_syncfs']()


def refused(descriptor):
    try:
        launcher['sync_file_system'](syncfs, descriptor)
    except OSError as error:
        return error.errno
    return None


with open(folder + '/full/somebody') as file:
    report['syncfs'] = {'an open file': refused(file.fileno()), 'a closed one': refused(file.fileno() + 100)}


def copy(options=({'checkpoint': 'fast'},), result=0, answer=0, known=True):
    """A base backup with a pg_wal that is elsewhere: its options, what Patroni is told, what was synced, whether it is left."""
    told, synced, left = [], [], [True]

    class Server(object):
        data_dir = os.path.join(folder, 'copy', 'pgdata')

        def remove_data_directory(self):
            left[0] = False

    class Bootstrap(object):
        _postgresql = Server()

        def basebackup(self, conn_url, env, options):
            self.process_user_options(options)
            return result

        def process_user_options(self, options):
            told.extend(options)

    def sync(descriptor):
        synced.append(os.path.relpath(os.readlink('/proc/self/fd/%d' % descriptor), folder))
        return answer

    module = type('Module', (), {'Bootstrap': Bootstrap})
    launcher['sync_copies_at_once'](module, sync if known else None)
    returned = module.Bootstrap().basebackup('host=primary', {}, options if isinstance(options, dict) else list(options))
    return {'told': told, 'returned': returned, 'synced': synced, 'left': left[0]}


os.makedirs(os.path.join(folder, 'copy', 'pgdata'))
os.symlink(os.path.join(folder, 'full'), os.path.join(folder, 'copy', 'pgdata', 'pg_wal'))
unchanged = bootstrap.Bootstrap.basebackup
launcher['sync_copies_at_once'](bootstrap, syncfs)
report['copies'] = {'found': bootstrap.Bootstrap.basebackup is not unchanged, 'made': copy(), 'failed': copy(result=1),
                    'not written': copy(answer=-1), 'other options': copy({'checkpoint': 'fast'}), 'old kernel': copy(known=False)}


class Bootstrapped(object):
    def __init__(self, bootstrapping):
        self.state_handler, self.woken = type('Server', (), {'bootstrapping': bootstrapping}), 0
        self.dcs = type('Etcd', (), {'take_leader': lambda self: None})()

    def post_bootstrap(self):
        self.dcs.take_leader()
        return 'as ever'

    def wakeup(self):
        self.woken += 1


def turn(bootstrapping):
    server = Bootstrapped(bootstrapping)
    return [server.post_bootstrap(), server.woken]


launcher['go_on_after_bootstrap'](type('Module', (), {'Ha': Bootstrapped}))
unchanged = ha.Ha.post_bootstrap
launcher['go_on_after_bootstrap'](ha)
report['turns'] = {'found': ha.Ha.post_bootstrap is not unchanged, 'before': turn(True), 'after': turn(False)}
print(json.dumps(report))
