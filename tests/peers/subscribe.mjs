// Follows a subscription with the npm client `graphql-ws`, and comes back with `after` whenever the connection breaks.
//
//   node subscribe.mjs URL TOKEN FIELD SELECTION AFTER BREAK_EVERY
//
// Writes each payload as a line of JSON. Breaks its own connection after every BREAK_EVERY payloads (0: never).
// A line `until N` on standard input makes it end with the first payload at or beyond position N.
import { createInterface } from 'node:readline';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [url, token, field, selection, start, breakEvery] = process.argv.slice(2);
const query = `subscription($after: Position) { ${field}(after: $after) { position heartbeat reset { reason } ${selection} } }`;
const pause = (milliseconds) => new Promise((resume) => setTimeout(resume, milliseconds));

let after = start;
let until = Infinity;
let count = 0;

createInterface({ input: process.stdin }).on('line', (line) => {
  until = Number(line.split(' ')[1]);
  if (Number(after) >= until) process.exit(0);
});

function write(payload) {
  return new Promise((written) => process.stdout.write(`${JSON.stringify(payload)}\n`, written));
}

for (;;) {
  const client = createClient({
    url,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
    retryAttempts: 0,
  });
  try {
    for await (const { data, errors } of client.iterate({ query, variables: { after } })) {
      if (errors) throw new TypeError(JSON.stringify(errors));
      const payload = data[field];
      after = payload.position;
      await write(payload);
      if (Number(after) >= until) process.exit(0);
      count += 1;
      if (Number(breakEvery) && count % Number(breakEvery) === 0) client.terminate();
    }
  } catch (error) {
    // A connection that breaks is what this is for; anything else ends it.
    const broken = 'code' in error || error.type === 'error' || error instanceof Event;
    if (!broken) {
      console.error(error);
      process.exit(1);
    }
  }
  await pause(20);
}
