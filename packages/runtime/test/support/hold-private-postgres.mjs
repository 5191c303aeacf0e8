// Starts a private PostgreSQL with the options of its argument, says so, and holds it until it is killed.
import { startPrivatePostgres } from '@holdfast/runtime';

await startPrivatePostgres({ ...JSON.parse(process.argv[2]), signal: new AbortController().signal });
process.stdout.write('ready\n');
setInterval(() => {}, 1000);
