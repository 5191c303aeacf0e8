// Asks echo servers from inside a network namespace, once a line of JSON on standard input: ["address:port", …]. Answers one line of JSON:
// {"fresh": …, "held": …, "milliseconds": …}, by target: does a new connection echo, and does the one that was opened by the first question still.
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const patience = 450;
const held = new Map();

const open = (target) =>
  new Promise((resolve) => {
    const [host, port] = target.split(':');
    const socket = connect(Number(port), host);
    const timer = setTimeout(() => finish(undefined), patience);
    const finish = (answer) => {
      clearTimeout(timer);
      if (answer === undefined) socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => finish(socket));
    socket.on('error', () => finish(undefined));
  });
const echo = (socket) =>
  new Promise((resolve) => {
    if (socket === undefined) return resolve('none');
    const timer = setTimeout(() => finish('silent'), patience);
    const finish = (answer) => {
      clearTimeout(timer);
      socket.off('data', onData).off('close', onClose);
      resolve(answer);
    };
    const onData = () => finish('echo');
    const onClose = () => finish('closed');
    socket.once('data', onData).once('close', onClose);
    if (socket.destroyed) finish('closed');
    else socket.write('x');
  });

for await (const line of createInterface({ input: process.stdin })) {
  const targets = JSON.parse(line);
  let milliseconds = 0;
  const answers = await Promise.all(
    targets.map(async (target) => {
      const began = performance.now();
      const fresh = await open(target);
      const freshAnswer = await echo(fresh);
      milliseconds = Math.max(milliseconds, performance.now() - began);
      if (!held.has(target)) held.set(target, fresh);
      else fresh?.destroy();
      return [target, freshAnswer, held.get(target) === fresh ? freshAnswer : await echo(held.get(target))];
    }),
  );
  const by = (column) => Object.fromEntries(answers.map((answer) => [answer[0], answer[column]]));
  process.stdout.write(`${JSON.stringify({ fresh: by(1), held: by(2), milliseconds })}\n`);
}
