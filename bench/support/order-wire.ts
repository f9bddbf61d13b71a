/** When order requests of this process leave, seen at the sockets through a diagnostics channel of Node's own. */
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

export interface OrderLeft {
  readonly clientOrderId: string;
  /** The request is signed, spelled out and at its socket. */
  readonly builtAt: number;
  /** Its first bytes are in the kernel's hands. */
  readonly writtenAt: number;
}

type Write = (...parts: unknown[]) => boolean;

/** Tells of each order request that this process writes on a connection opened from now on. */
export function watchOrderWire(onOrder: (left: OrderLeft) => void): void {
  subscribe('net.client.socket', (message) => {
    const { socket } = message as { socket: Socket };
    // Connecting gives a socket its own `write` back, so the watch comes a moment later.
    process.nextTick(() => watchSocket(socket, onOrder));
  });
}

/** Node holds a request's parts back until its end (cork) and writes them in one call: that call is the one that counts. */
function watchSocket(socket: Socket, onOrder: (left: OrderLeft) => void): void {
  const write = socket.write.bind(socket) as Write;
  const uncork = socket.uncork.bind(socket);
  let held: Omit<OrderLeft, 'writtenAt'> | null = null;
  const tellWritten = (): void => {
    if (held === null || socket.writableCorked > 0) return;
    onOrder({ ...held, writtenAt: performance.now() });
    held = null;
  };
  const watchedWrite: Write = (...parts) => {
    const clientOrderId = orderIdOf(parts[0]);
    if (clientOrderId !== null) held = { clientOrderId, builtAt: performance.now() };
    const accepted = write(...parts);
    tellWritten();
    return accepted;
  };
  socket.write = watchedWrite;
  socket.uncork = (): void => {
    uncork();
    tellWritten();
  };
}

function orderIdOf(text: unknown): string | null {
  if (typeof text !== 'string' || !text.startsWith('POST /api/v2/mix/order/place-order ')) return null;
  return /"clientOid":"([^"]+)"/.exec(text)?.[1] ?? null;
}
