// Runs the audits of the npm package `graphql-http` against a server, and writes those that are not fine.
//
//   node audit_http.mjs URL TOKEN
import { auditServer } from 'graphql-http';

const [url, token] = process.argv.slice(2);
const fetchFn = (address, init = {}) => {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${token}`);
  return fetch(address, { ...init, headers });
};

const results = await auditServer({ url, fetchFn });
console.log(JSON.stringify({ audits: results.length }));
for (const { id, name, status, reason } of results) {
  if (status !== 'ok') console.log(JSON.stringify({ id, name, status, reason }));
}
