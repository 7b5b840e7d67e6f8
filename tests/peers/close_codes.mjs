// Says something wrong on a socket each time, and writes what the server answered and how it closed.
//
//   node close_codes.mjs URL TOKEN
import WebSocket from 'ws';

const [url, token] = process.argv.slice(2);
const init = { type: 'connection_init', payload: { authorization: `Bearer ${token}` } };
const subscribe = { id: 'one', type: 'subscribe', payload: { query: 'subscription { events { position } }' } };

const mistakes = {
  'not json': [init, 'hello'],
  'no such type': [init, { type: 'start' }],
  'binary': [init, Buffer.from('{"type":"ping"}')],
  'subscribe without introduction': [subscribe],
  'introduction without token': [{ type: 'connection_init' }],
  'introduction with a wrong token': [{ type: 'connection_init', payload: { authorization: 'Bearer wrong' } }],
  'no introduction': [],
  'two introductions': [init, init],
  'one id twice': [init, subscribe, subscribe],
  'another protocol': [],
};

function attempt(mistake, messages) {
  return new Promise((done) => {
    const said = [];
    const socket = new WebSocket(url, mistake === 'another protocol' ? 'graphql-ws' : 'graphql-transport-ws');
    const giveUp = setTimeout(() => socket.terminate(), 20_000);
    socket.on('open', () => {
      for (const message of messages) {
        const raw = typeof message === 'string' || Buffer.isBuffer(message);
        socket.send(raw ? message : JSON.stringify(message));
      }
    });
    socket.on('message', (message) => said.push(JSON.parse(message).type));
    socket.on('error', (error) => said.push(`error: ${error.message}`));
    socket.on('close', (code, reason) => {
      clearTimeout(giveUp);
      done({ mistake, code, reason: String(reason), said });
    });
  });
}

// Side by side, because one of them is to be silent for seconds.
const outcomes = await Promise.all(Object.entries(mistakes).map(([mistake, messages]) => attempt(mistake, messages)));
for (const outcome of outcomes) console.log(JSON.stringify(outcome));
