import { needsLab } from '../errors.js';
import type { LabHost, LabNetwork } from '../lab/plan-lab.js';
import { hostInterface } from '../lab/plan-lab.js';
import { runTool, runToolIn } from '../lab/run-tool.js';
import type { FaultKind } from './fault.js';
import { insertSlowWire, type WireQuality } from './slow-wire.js';

const quality: WireQuality = { delayMilliseconds: 120, jitterMilliseconds: 40, lossPercent: 1 };

/** Delay, jitter and a little loss on everything that a member's host sends. */
export const slowNetwork: FaultKind = {
  name: 'slow-network',
  summary: 'everything that the member’s host sends is 120 ms late, give or take 40, and 1 % is lost',
  needs: 'network',
  roles: ['primary', 'standby', 'other replica'],
  momentary: false,
  create({ lab, context }, member) {
    const network = lab?.network;
    const index = context.spec.members.findIndex((each) => each.name === member);
    const host = network?.hosts[index % network.hosts.length];
    if (network === undefined || host === undefined) throw needsLab('slow-network');
    let slow: AsyncDisposable | undefined;
    return {
      targets: [member],
      description: `the network of ${member} is slow`,
      async inject(signal) {
        slow = (await hasNetem(network.namespace, signal))
          ? await useNetem(host, signal)
          : await insertSlowWire(network, host, quality, signal);
      },
      async heal() {
        await slow?.[Symbol.asyncDispose]();
        slow = undefined;
      },
    };
  },
};

/** The kernel's own, netem(8), where it has it. */
async function useNetem({ namespace }: LabHost, signal: AbortSignal): Promise<AsyncDisposable> {
  const { delayMilliseconds, jitterMilliseconds, lossPercent } = quality;
  const delay = ['delay', `${delayMilliseconds}ms`, `${jitterMilliseconds}ms`, 'loss', `${lossPercent}%`];
  const root = ['dev', hostInterface, 'root'];
  await runToolIn(namespace, ['tc', 'qdisc', 'replace', ...root, 'netem', ...delay], { signal });
  return {
    async [Symbol.asyncDispose]() {
      await runToolIn(namespace, ['tc', 'qdisc', 'delete', ...root], { signal: AbortSignal.timeout(10_000) });
    },
  };
}

/** Whether this kernel has netem; `namespace` is any of the lab's to try it in. */
async function hasNetem(namespace: LabNetwork['namespace'], signal: AbortSignal): Promise<boolean> {
  const root = ['-n', namespace, 'qdisc'];
  try {
    await runTool('tc', [...root, 'replace', 'dev', 'lo', 'root', 'netem', 'delay', '1ms'], { signal });
    await runTool('tc', [...root, 'delete', 'dev', 'lo', 'root'], { signal });
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
