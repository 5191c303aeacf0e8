import { randomInt } from 'node:crypto';
import { chmod, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noLab } from '../errors.js';
import { type LabNetwork, planLabCommands, planLabNetwork } from './plan-lab.js';
import { runTool } from './run-tool.js';
import { startReaper } from './start-reaper.js';
import { folderPattern, type LabRemains, sweepLab } from './sweep.js';

/** A place of its own for one cluster. Plain data: it is handed to the process that runs inside. */
export interface LabDescription {
  /** Absolute, open to other accounts; everything of the cluster lies in it. */
  readonly folder: string;
  /** Undefined: no namespaces, everything on loopback. */
  readonly network: LabNetwork | undefined;
}

/** Disposing ends everything in it and removes it. So does the end of this process, however it ends. */
export interface Lab extends AsyncDisposable {
  readonly description: LabDescription;
  readonly remains: LabRemains;
  /** Leaves it as it is for good, for somebody to look at. */
  keep(): void;
}

/** Makes a lab; `hosts` undefined: without namespaces. Needs root with hosts. Throws HF_CHAOS_TOOL_MISSING and HF_CHAOS_TOOL_FAILED. */
export async function createLab(options: {
  readonly hosts: number | undefined;
  readonly signal: AbortSignal;
}): Promise<Lab> {
  const network = options.hosts === undefined ? undefined : planLabNetwork(labId(), options.hosts);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-chaos-'));
  await chmod(folder, 0o711);
  const namespaces = network === undefined ? [] : [network, ...network.hosts].map(({ namespace }) => namespace);
  const remains = { folder, namespaces };
  const reaper = startReaper(remains);
  let kept = false;
  const dispose = async () => {
    if (!kept) await reaper[Symbol.asyncDispose]();
  };
  try {
    await writeFile(join(folder, remainsFile), `${JSON.stringify(remains)}\n`);
    for (const args of network === undefined ? [] : planLabCommands(network)) {
      await runTool('ip', args, { signal: options.signal });
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    description: { folder, network },
    remains,
    keep() {
      kept = true;
      reaper.dismiss();
    },
    [Symbol.asyncDispose]: dispose,
  };
}

const remainsFile = 'lab.json';

/** Removes a lab that was kept. Throws HF_CHAOS_NO_LAB for a folder that is none. */
export async function removeLab(folder: string): Promise<LabRemains> {
  const text = await readFile(join(folder, remainsFile), 'utf8').catch(() => undefined);
  if (text === undefined || !folderPattern.test(folder)) throw noLab(folder);
  const remains = JSON.parse(text) as LabRemains;
  if (remains.folder !== folder) throw noLab(folder);
  await sweepLab(remains);
  return remains;
}

function labId(): string {
  return randomInt(36 ** 4, 36 ** 5).toString(36);
}
