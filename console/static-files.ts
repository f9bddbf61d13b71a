/** The page's own files, read once at start: nothing else on the disk can be asked for. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Throws when the folder or `index.html` in it is missing. */
export function serveFiles(app: FastifyInstance, dir: string): void {
  const names = readdirSync(dir).filter((name) => extname(name) in TYPES);
  if (!names.includes('index.html')) throw new Error(`${dir}: expected the console's index.html, was missing`);
  for (const name of names) {
    const body = readFileSync(join(dir, name));
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    const type = TYPES[extname(name)] as string;
    app.get(name === 'index.html' ? '/' : `/${name}`, (request, reply) => {
      void reply.headers({ 'cache-control': 'no-cache', etag });
      return request.headers['if-none-match'] === etag
        ? reply.code(304).send()
        : reply.header('content-type', type).send(body);
    });
  }
}
