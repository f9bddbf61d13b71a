/**
 * A plain TCP line between gateway and simulator: it sees when the first byte of each request arrives, and it can be cut,
 * so that whoever dials is refused while the venue itself goes on.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** A request that puts an order or a stop at the venue. */
export interface SeenRequest<Mark> {
  readonly path: string;
  readonly clientOrderId: string;
  /** What `onFirstByte` answered. */
  readonly mark: Mark;
}

export interface WireOptions<Mark> {
  onFirstByte(): Mark;
  /** `drop`: its bytes do not reach the venue, and the connection ends. */
  onRequest(request: SeenRequest<Mark>): 'pass' | 'drop';
}

const PLACING =
  /^POST (\/api\/v[23]\/[a-z/-]*(?:place-order|place-tpsl-order|modify-tpsl-order|place-strategy-order)) /;

export class Wire<Mark = unknown> {
  port = 0;
  private targetPort = 0;
  private server: Server | null = null;
  private readonly sockets = new Set<Socket>();
  private readonly options: WireOptions<Mark> | null;

  constructor(options: WireOptions<Mark> | null = null) {
    this.options = options;
  }

  /** Listens, on the same port as before when it was cut. */
  async open(targetPort: number = this.targetPort): Promise<void> {
    this.targetPort = targetPort;
    if (this.server !== null) return;
    const server = createServer((near) => this.join(near));
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', resolve);
    });
    this.port = (server.address() as AddressInfo).port;
  }

  async cut(): Promise<void> {
    const { server } = this;
    this.server = null;
    for (const socket of this.sockets) socket.destroy();
    if (server !== null) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  private join(near: Socket): void {
    const far = connect(this.targetPort, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.setNoDelay(true);
      this.sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    far.on('data', (bytes: Buffer) => near.write(bytes));
    const reader = this.options === null ? null : new RequestReader(this.options);
    near.on('data', (bytes: Buffer) => {
      if (reader?.take(bytes) === 'drop') near.destroy();
      else far.write(bytes);
    });
  }
}

/** Requests of one keep-alive connection, one after the other; a WebSocket's bytes are none. */
class RequestReader<Mark> {
  private pending = '';
  private mark: Mark | null = null;
  private isUpgraded = false;
  private readonly options: WireOptions<Mark>;

  constructor(options: WireOptions<Mark>) {
    this.options = options;
  }

  take(bytes: Buffer): 'pass' | 'drop' {
    if (this.isUpgraded) return 'pass';
    if (this.pending === '') this.mark = this.options.onFirstByte();
    this.pending += bytes.toString('latin1');
    const headEnd = this.pending.indexOf('\r\n\r\n');
    if (headEnd < 0) return 'pass';
    const head = this.pending.slice(0, headEnd);
    if (/\r\nupgrade: *websocket/i.test(head)) {
      this.isUpgraded = true;
      return 'pass';
    }
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    const end = headEnd + 4 + length;
    if (this.pending.length < end) return 'pass';
    const body = this.pending.slice(headEnd + 4, end);
    this.pending = this.pending.slice(end);
    const path = PLACING.exec(head)?.[1];
    const clientOrderId = /"(?:newC|c)lientOid":"([^"]+)"/.exec(body)?.[1];
    if (path === undefined || clientOrderId === undefined) return 'pass';
    return this.options.onRequest({ path, clientOrderId, mark: this.mark as Mark });
  }
}
