"""Runs those functions of Patroni that wait, with what they wait for coming when told, and prints what happened.

Usage: prompt-launcher-waits.py LAUNCHER as-it-is|prompt|altered
Output, JSON: {"shortened": [name], "untouched": bool, "rounds": {name: {"seconds": number, "result": any}}}
"""
import json
import runpy
import sys
import threading
import time
from types import SimpleNamespace
from unittest.mock import MagicMock

launcher = runpy.run_path(sys.argv[1])
from patroni import postgresql, ha, utils  # noqa: E402 (in Patroni's order)
from patroni.collections import CaseInsensitiveSet  # noqa: E402
from patroni.dcs import Leader, Member, SyncState  # noqa: E402
from patroni.postgresql.sync import _SyncState  # noqa: E402

Ha, Postgresql = ha.Ha, postgresql.Postgresql


def at(seconds):
    """True from so many seconds on."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def never():
    return False


def broken():
    """Cannot be asked the first time, and is true ever after."""
    asked = []

    def arrived():
        asked.append(True)
        if len(asked) == 1:
            raise RuntimeError('no answer')
        return True
    return arrived


def multisync(arrived, before='priority', checkpointer='CheckpointerMain'):
    self, asked = MagicMock(), []
    self._maybe_enable_synchronous_mode.return_value = SyncState.from_node(1, '{"leader": "pg1", "sync_standby": ""}')

    def current_state(_):
        asked.append(True)
        confirmed = ['pg2'] if len(asked) > 1 and arrived() else []
        return _SyncState(before, 1, CaseInsensitiveSet(), CaseInsensitiveSet(confirmed), CaseInsensitiveSet(['pg2']))
    self.state_handler.sync_handler.current_state.side_effect = current_state
    self.state_handler.query.return_value = [(checkpointer,)]
    Ha._process_multisync_replication(self)
    # The query after the wait must be a fresh one.
    fresh = [call[0] for call in self.state_handler.mock_calls][-2] != 'sync_handler.current_state'
    return [sorted(call.args[1]) for call in self.dcs.write_sync_state.mock_calls if call.args], fresh


def cluster_led_by(name, role, arrived):
    member = Member.from_node(1, name, None, json.dumps({'role': role, 'conn_url': 'postgres://127.0.0.1/'}))
    return lambda: SimpleNamespace(leader=Leader(1, None, member) if arrived() else None)


def member_that_waits(name, role, arrived):
    self = MagicMock()
    self.state_handler.name = 'pg1'
    self.patroni.nofailover = False
    self.dcs.get_cluster.side_effect = cluster_led_by(name, role, arrived)
    return self


def unhealthy(arrived, name='pg2', role='primary'):
    self = member_that_waits(name, role, arrived)
    self.is_healthiest_node.return_value = False
    Ha.process_unhealthy_cluster(self)
    return self.follow.call_count


def demote(arrived, name='pg2', role='primary'):
    Ha.demote(member_that_waits(name, role, arrived), 'graceful')


def stopping(self, arrived, run):
    """How long on_shutdown took. The leader key is then released with 90; without it, later, with 80."""
    self.is_failover_possible.side_effect = lambda cluster_lsn: cluster_lsn == 100 and arrived()
    took = []

    def stop(*_, on_shutdown=None, **__):
        began = time.monotonic()
        on_shutdown(100, 90)
        took.append(time.monotonic() - began)
    self.state_handler.stop.side_effect = stop
    run(self)
    return took[0]


def demote_stopping(arrived):
    self = member_that_waits('pg2', 'primary', at(0))
    self.state_handler.latest_checkpoint_location.return_value = 80
    return Took(stopping(self, arrived, lambda self: Ha.demote(self, 'graceful')),
                self.release_leader_key_voluntarily.mock_calls[0].args[0])


def shutdown(arrived):
    self = MagicMock(_join_aborted=False)
    self.is_paused.return_value = False
    self.state_handler.is_running.return_value = False
    self.state_handler.latest_checkpoint_location.return_value = 80
    self.while_not_sync_standby.side_effect = lambda run: run()
    took = stopping(self, arrived, Ha.shutdown)
    return Took(took, self.dcs.delete_leader.call_args_list[0].args[1])


def promote(arrived):
    self = MagicMock()
    self.controldata.side_effect = lambda: {'Database cluster state': 'in production' if arrived() else 'in recovery'}
    return Postgresql._wait_promote(self, 2)


def start(arrived):
    """Not one of the waits, but in the same module."""
    self = MagicMock()
    self.cancellable.is_cancelled = False
    self.pg_isready.side_effect = lambda: postgresql.STATE_RUNNING if arrived() else postgresql.STATE_NO_RESPONSE
    return Postgresql.wait_for_port_open(self, MagicMock(), 3)


class Took(SimpleNamespace):
    def __init__(self, seconds, result):
        super().__init__(seconds=seconds, result=result)


def rounds():
    soon = 0.3
    every = {'multisync': multisync, 'unhealthy': unhealthy, 'demote': demote, 'demote stopping': demote_stopping,
             'shutdown': shutdown, 'promote': promote, 'start': start}
    for name, run in every.items():
        yield name + ', soon', run, (at(soon),)
        if name in ('promote', 'start'):
            continue
        yield name + ', never', run, (never,)
        # Patroni asks without a launcher too, but only once: it would be the one to fail.
        if how == 'prompt':
            yield name + ', broken', run, (broken(),)
    yield 'promote, never', promote, (never,)
    yield 'multisync, from off, soon', multisync, (at(soon), 'off')
    yield 'multisync, busy checkpointer, soon', multisync, (at(soon), 'priority', 'DataFileSync')
    for run, name in ((unhealthy, 'unhealthy'), (demote, 'demote')):
        yield name + ', led by itself', run, (at(soon), 'pg1')
        yield name + ', led by a replica', run, (at(soon), 'pg2', 'promoted')


def run_all():
    """All at once: they only sleep."""
    done = {}

    def one(name, run, args):
        began = time.monotonic()
        result = run(*args)
        if not isinstance(result, Took):
            result = Took(time.monotonic() - began, result)
        done[name] = vars(result)
    threads = [threading.Thread(target=one, args=each) for each in rounds()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done


def alter():
    """Another Patroni: every function that the launcher knows is gone, or is written in another way."""
    def sleeps_twice(self, picked, current_state):
        ha.time.sleep(2)
        ha.time.sleep(2)

    def sees_nothing_of_the_like(me):
        ha.time.sleep(2)

    def asks_in_another_way(self, seconds):
        return True
    Ha._process_multisync_replication = sleeps_twice
    Ha.process_unhealthy_cluster = sees_nothing_of_the_like
    Ha.shutdown = sees_nothing_of_the_like
    Postgresql._wait_promote = asks_in_another_way
    del Ha.demote


how = sys.argv[2]
if how == 'altered':
    alter()
shortened = [] if how == 'as-it-is' else launcher['shorten_sleeps'](ha) + launcher['shorten_promotion'](postgresql, utils)
print(json.dumps({
    'shortened': shortened,
    'untouched': ha.time is time and postgresql.polling_loop is utils.polling_loop,
    'rounds': {} if how == 'altered' else run_all(),
}))
