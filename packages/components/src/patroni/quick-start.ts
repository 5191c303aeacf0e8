/**
 * The part of the launcher (prompt-launcher.ts) that makes a start cost less: what Patroni would do after something else is done while it waits
 * (ADR 25). Like there, Patroni's decisions and writes stay its own, and whatever is written in another way stays as it is.
 */
export const quickStart = `
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
            os.write(write, os.environ['PATRONI_SUPERUSER_PASSWORD'].encode() + b'\\n')
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
`;
