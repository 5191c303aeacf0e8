import type { Scenario } from './scenario.js';

/** Several faults that matter because they come together. */
export const composed: readonly Scenario[] = [
  {
    name: 'back-to-back',
    summary: 'the primary is killed, and within a second of its successor’s promotion that one too',
    needs: ['units'],
    plan(script) {
      const first = script.inject('lose-member', 'primary');
      script.awaitPromotion();
      script.pause(50, 900);
      const second = script.inject('kill-member', 'primary');
      script.pause(2000, 4000);
      script.heal(first, second);
      script.awaitHealth();
    },
  },
  {
    name: 'kill-then-freeze',
    summary: 'the primary is killed, and its successor freezes soon after its promotion',
    needs: ['processes'],
    plan(script) {
      const first = script.inject('kill-member', 'primary');
      script.awaitPromotion();
      script.pause(100, 2000);
      const second = script.inject('freeze-member', 'primary');
      script.hold();
      script.heal(second, first);
      script.awaitHealth();
    },
  },
  {
    name: 'freeze-and-thaw',
    summary: 'the primary freezes for just about as long as it takes to replace it',
    needs: ['processes'],
    plan(script) {
      const id = script.inject('freeze-member', 'primary');
      if (script.setting.agents) script.pause(300, 1200);
      else script.pause(18_000, 24_000);
      script.heal(id);
      script.awaitHealth();
    },
  },
  {
    name: 'partition-while-standby-is-down',
    summary: 'the standby is down, and then the primary is cut off from the other hosts while clients still reach it',
    needs: ['units', 'network'],
    plan(script) {
      const standby = script.inject('lose-member', 'standby');
      script.pause(500, 3000);
      const partition = script.inject('isolate-from-hosts', 'primary');
      script.hold();
      script.heal(...script.random.shuffle([standby, partition]));
      script.awaitHealth();
    },
  },
  {
    name: 'frozen-behind-a-partition',
    summary: 'the primary is cut off from the other hosts, freezes, and the network heals before it wakes up',
    needs: ['processes', 'network'],
    plan(script) {
      const partition = script.inject('isolate-from-hosts', 'primary');
      script.pause(100, 600);
      const frozen = script.inject('freeze-postgres', 'former primary');
      script.hold();
      script.heal(partition);
      script.pause(200, 1500);
      script.heal(frozen);
      script.awaitHealth();
    },
  },
  {
    name: 'rolling-kills',
    summary: 'members are killed one after the other, faster than they come back',
    needs: ['units'],
    plan(script) {
      const ids: number[] = [];
      for (const role of script.random.shuffle(['primary', 'standby', 'other replica'] as const)) {
        ids.push(script.inject('kill-member', role));
        script.pause(300, 2500);
      }
      ids.push(script.inject('kill-member', 'primary'));
      script.pause(1000, 2000);
      script.heal(...ids);
      script.awaitHealth();
    },
  },
  {
    name: 'all-at-once',
    summary: 'every member is killed within a moment',
    needs: ['units'],
    plan(script) {
      const ids = (['primary', 'standby', 'other replica'] as const).map((role) => script.inject('kill-member', role));
      script.pause(500, 1500);
      script.heal(...ids);
      script.awaitHealth();
    },
  },
  {
    name: 'lag-then-lose',
    summary:
      'the primary goes on for a moment without its replicas, then dies for a time: what asynchronous replication loses',
    needs: ['units', 'network'],
    plan(script) {
      const partition = script.inject('isolate-from-members', 'primary');
      script.pause(1200, 2000);
      const lost = script.inject('lose-member', 'former primary');
      // The kernel outlives the processes: connected again, it would still deliver the WAL that lies in its socket buffers.
      script.awaitPromotion();
      script.pause(1000, 2000);
      script.heal(partition, lost);
      script.awaitHealth();
    },
  },
  {
    name: 'flapping-network',
    summary: 'the primary is cut off and connected again, several times',
    needs: ['network'],
    plan(script) {
      const times = script.random.between(3, 5);
      for (let time = 0; time < times; time++) {
        const id = script.inject(script.random.pick(['isolate', 'isolate-from-hosts', 'deafen', 'mute']), 'primary');
        script.pause(200, 2500);
        script.heal(id);
        script.pause(100, 1500);
      }
      script.awaitHealth();
    },
  },
];
