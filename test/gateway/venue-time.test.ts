import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { readVenueTime } from '../../gateway/bitget/venue-time.ts';

let server: Server | null = null;
afterEach(() => void server?.close());

/** A venue that answers each call with the next of these bodies, the last one again and again. */
async function venue(...bodies: readonly string[]) {
  let asked = 0;
  server = createServer((_request, response) => {
    response.end(bodies[Math.min(asked, bodies.length - 1)]);
    asked += 1;
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `127.0.0.1:${port}`;
  const endpoint = { kind: 'simulator' as const, httpUrl: `http://${origin}`, wsUrl: `ws://${origin}` };
  return { endpoint, asked: () => asked };
}

const told = (serverTime: unknown): string => JSON.stringify({ code: '00000', data: { serverTime } });

test("is the venue's, and half of the way older", async () => {
  const { endpoint } = await venue(told('1790000000000'));
  const venueMs = await readVenueTime(endpoint);
  expect(venueMs! - 1_790_000_000_000).toBeGreaterThanOrEqual(0);
  expect(venueMs! - 1_790_000_000_000).toBeLessThanOrEqual(1_000);
});

test('is asked for again after an answer that says nothing', async () => {
  const { endpoint, asked } = await venue('<html>', told('soon'), told('1790000000000'));
  expect(await readVenueTime(endpoint)).not.toBeNull();
  expect(asked()).toBe(3);
});

test('is not known when nobody says it', async () => {
  const { endpoint, asked } = await venue('{}');
  expect(await readVenueTime(endpoint)).toBeNull();
  expect(asked()).toBe(4);
  server!.close();
  server!.closeAllConnections();
});
