import { createTestCluster, createThrowAwayFolder, type TestCluster, type ThrowAwayFolder } from '@holdfast/testkit';

/** Everything that is open, so that an interrupted benchmark can end and delete it. */
const open = new Set<AsyncDisposable>();

function track<Resource extends AsyncDisposable>(resource: Resource): Resource {
  open.add(resource);
  return {
    ...resource,
    async [Symbol.asyncDispose]() {
      open.delete(resource);
      await resource[Symbol.asyncDispose]();
    },
  };
}

/** A folder of its own; disposing kills every process that works in it and deletes it. */
export async function openFolder(): Promise<ThrowAwayFolder> {
  return track(await createThrowAwayFolder());
}

/** A cluster folder with this spec; nothing is started. Free ports, and all else as by default. */
export async function openCluster(spec = ''): Promise<TestCluster> {
  return track(await createTestCluster(`name: bench\nports: auto\n${spec}`));
}

/** For an interruption: ends and deletes all that is open. */
export async function closeAll(): Promise<void> {
  await Promise.all([...open].map(async (resource) => await resource[Symbol.asyncDispose]()));
}
