import type { Socket } from 'node:net';

/** No line of ours is longer. */
const longest = 64 * 1024;

/** Calls back for each whole line; a line that does not end is an attack or nonsense, and ends the connection. */
export function readLines(socket: Socket, first: string, onLine: (line: string) => void): void {
  let rest = first;
  const take = () => {
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > longest) {
      socket.destroy();
      return;
    }
    for (const line of lines) onLine(line);
  };
  socket.setEncoding('utf8');
  socket.on('data', (chunk) => {
    rest += String(chunk);
    take();
  });
  if (first !== '') take();
}
