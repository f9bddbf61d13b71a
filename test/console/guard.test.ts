import { expect, test } from '@jest/globals';
import { judgeRequest, type Asked } from '../../console/guard.ts';

const OWN: Asked = {
  method: 'GET',
  host: '127.0.0.1:8787',
  origin: undefined,
  fetchSite: undefined,
  fetchMode: undefined,
};

test.each<[string, Partial<Asked>]>([
  ['a command line', {}],
  ['by name', { host: 'localhost:8787' }],
  ['by name in capitals', { host: 'LocalHost:8787' }],
  ['by IPv6', { host: '[::1]:8787' }],
  ['its own page', { origin: 'http://127.0.0.1:8787', fetchSite: 'same-origin', fetchMode: 'cors' }],
  ['a typed address', { fetchSite: 'none', fetchMode: 'navigate' }],
  ['a link on another page', { fetchSite: 'cross-site', fetchMode: 'navigate' }],
  ['a look at the headers', { method: 'HEAD' }],
])('passes: %s', (_name, changes) => {
  expect(judgeRequest({ ...OWN, ...changes }, 8787)).toBeNull();
});

test.each<[string, Partial<Asked>, number]>([
  ['no Host', { host: undefined }, 421],
  ['a name that was pointed here', { host: 'evil.example:8787' }, 421],
  ['a name that begins like ours', { host: 'localhost:8787.evil.example' }, 421],
  ['another port', { host: '127.0.0.1:80' }, 421],
  ['no port', { host: '127.0.0.1' }, 421],
  ['another loopback address', { host: '127.0.0.2:8787' }, 421],
  ['another origin', { origin: 'http://evil.example' }, 403],
  ['a sandboxed frame', { origin: 'null' }, 403],
  ['our name over TLS', { origin: 'https://127.0.0.1:8787' }, 403],
  ['a page of another port', { origin: 'http://127.0.0.1:3000', fetchSite: 'same-site', fetchMode: 'cors' }, 403],
  ['an image on another page', { fetchSite: 'cross-site', fetchMode: 'no-cors' }, 403],
  ['a form post', { method: 'POST' }, 405],
  ['a delete', { method: 'DELETE' }, 405],
])('refuses: %s', (_name, changes, status) => {
  expect(judgeRequest({ ...OWN, ...changes }, 8787)?.status).toBe(status);
});
