/** The console's HTTP server: the page, the read API, health and metrics. Loopback only, read-only. */
import { fastify, type FastifyInstance, type FastifyReply } from 'fastify';
import { z } from 'zod';
import { describeFaults } from '../core/faults.ts';
import type { Log } from '../core/log.ts';
import type { ConsoleDesk } from './desk.ts';
import { guard, rawHeaders } from './guard.ts';
import { judgeHealth } from './health.ts';
import { exposition, METRICS_CONTENT_TYPE } from './prometheus.ts';
import { serveFiles } from './static-files.ts';
import { Stream } from './stream.ts';

export interface ConsoleOptions {
  readonly desk: ConsoleDesk;
  /** Folder of the page's files. */
  readonly publicDir: string;
  /** 0 is any free port. */
  readonly port: number;
  readonly log: Log;
}

export interface ConsoleServer {
  readonly port: number;
  /** Ends open streams, too. */
  close(): Promise<void>;
}

const STREAM_EVERY_MS = 1_000;
/** A client that leaves this much unread is not watching. */
const UNREAD_MAX_BYTES = 1_000_000;
const HOUR_MS = 3_600_000;

const BotQuery = z.strictObject({
  hours: z.coerce.number().min(0.1).max(720).default(24),
  points: z.coerce.number().int().min(2).max(2_000).default(300),
});

export async function startConsole({ desk, publicDir, port, log }: ConsoleOptions): Promise<ConsoleServer> {
  const app = fastify({ forceCloseConnections: true, routerOptions: { maxParamLength: 64 } });
  const stream = new Stream({ look: () => desk.look(), everyMs: STREAM_EVERY_MS });
  let listening = port;
  guard(app, () => listening);
  serveFiles(app, publicDir);
  apiRoutes(app, desk);
  streamRoute(app, stream);
  app.setNotFoundHandler((_request, reply) =>
    reply
      .code(404)
      .send({ v: 1, error: 'path: expected /, /health, /metrics, /api/overview, /api/stream or /api/bots/<bot>' }),
  );
  app.setErrorHandler((error, request, reply) => {
    const { message } = error instanceof Error ? error : new Error(String(error));
    log.warn('request failed', { path: request.url, error: message });
    const isClients = typeof error === 'object' && error !== null && 'statusCode' in error && error.statusCode === 400;
    return reply.code(isClients ? 400 : 503).send({ v: 1, error: message });
  });
  await app.listen({ host: '127.0.0.1', port });
  const address = app.server.address();
  if (address !== null && typeof address === 'object') listening = address.port;
  return {
    port: listening,
    async close() {
      stream.close();
      await app.close();
    },
  };
}

function apiRoutes(app: FastifyInstance, desk: ConsoleDesk): void {
  app.get('/health', async (_request, reply) => {
    const health = judgeHealth(await desk.sources(), Date.now());
    return reply.code(health.state === 'ok' ? 200 : 503).send({ v: 1, data: health });
  });

  app.get('/metrics', async (_request, reply) =>
    reply.header('content-type', METRICS_CONTENT_TYPE).send(await exposition(await desk.sources(), Date.now())),
  );

  app.get('/api/overview', async () => ({ v: 1, data: await desk.overview() }));

  app.get<{ Params: { bot: string } }>('/api/bots/:bot', async ({ params, query }, reply) => {
    const names = desk.bots.map(({ bot }) => bot);
    if (!names.includes(params.bot)) return noSuchBot(reply, params.bot, names);
    const parsed = BotQuery.safeParse(query);
    if (!parsed.success) return reply.code(400).send({ v: 1, error: describeFaults(parsed.error, query) });
    const { hours, points } = parsed.data;
    const [overview, detail] = await Promise.all([
      desk.overview(),
      desk.detail(params.bot, Date.now() - hours * HOUR_MS, points),
    ]);
    const view = overview.bots.find(({ bot }) => bot === params.bot);
    return { v: 1, data: { nowMs: overview.nowMs, ...view, ...detail } };
  });
}

function noSuchBot(reply: FastifyReply, bot: string, names: readonly string[]): FastifyReply {
  return reply.code(404).send({ v: 1, error: `bot: expected one of ${names.join(', ')}, was ${JSON.stringify(bot)}` });
}

function streamRoute(app: FastifyInstance, stream: Stream): void {
  app.get('/api/stream', { exposeHeadRoute: false }, (request, reply) => {
    const { raw } = reply;
    const lastEventId = request.headers['last-event-id'];
    reply.hijack();
    raw.writeHead(200, {
      ...rawHeaders(reply),
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    });
    const client = {
      send: (text: string): boolean => raw.write(text) || raw.writableLength < UNREAD_MAX_BYTES,
      end: (): void => void raw.destroy(),
    };
    const unsubscribe = stream.subscribe(client, typeof lastEventId === 'string' ? lastEventId : undefined);
    if (unsubscribe === null) raw.end('retry: 10000\n\n');
    else request.raw.once('close', unsubscribe);
  });
}
