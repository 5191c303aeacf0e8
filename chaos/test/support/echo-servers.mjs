// Echoes on every given port of one address until it is ended; tells when it listens. Runs inside a network namespace.
import { createServer } from 'node:net';

const [address, ...ports] = process.argv.slice(2);
for (const port of ports) {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
  await new Promise((resolve) => server.listen(Number(port), address, resolve));
}
process.stdout.write('listening\n');
