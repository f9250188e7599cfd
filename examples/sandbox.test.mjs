import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { after, before, test } from 'node:test';

let server, api, token;

before(async () => {
  const options = { stdio: ['ignore', 'pipe', 'ignore'] };
  server = spawn('llavero', ['serve', '--sandbox', '--listen', '127.0.0.1:0'], options);
  const [line] = await once(server.stdout, 'data');
  api = /^listening on (\S+)/.exec(line)[1];
  const guide = await (await fetch(new URL('/sandbox', api))).json();
  token = guide.users.find((user) => user.name === 'Ana').token;
});

after(() => server.kill());

test('a created key is counted', async () => {
  const headers = {
    Authorization: `Bearer ${token}`,
    'Content-Type': 'application/json',
    'X-Sandbox-Session': randomUUID(),
  };
  const keys = `${api}/organizations/initech/api-keys`;
  const created = await fetch(keys, { method: 'POST', headers, body: '{"name":"Mine"}' });
  assert.equal(created.status, 201);
  const stats = await (await fetch(`${keys}/stats`, { headers })).json();
  assert.equal(stats.totalKeys, 1);
});
