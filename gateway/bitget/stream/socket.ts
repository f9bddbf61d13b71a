/**
 * One WebSocket to the venue, kept up for as long as somebody wants a channel of it.
 *
 *   idle --first channel--> dialling --open--> [logging_in --accepted-->] live
 *   dialling, logging_in, live --anything wrong--> waiting --back-off--> dialling
 *   any --close()--> closed
 *
 * "Anything wrong" is a name that does not resolve, a refused or reset connection, TLS, a closed socket, a silent one (no
 * pong), a refused login, an answer that does not come. None of it leaves this file as an exception: channels are told
 * that they are lost, and why.
 */
import { WebSocket, type RawData } from 'ws';
import type { Log } from '../../../core/log.ts';
import { createTokenBucket, drain, take, waitMs, type TokenBucket } from '../../../core/rates/token-bucket.ts';
import { VenueMalformed } from '../../venue.ts';
import { createRetryDelay } from '../../retry-delay.ts';
import type { Redact } from '../redact.ts';
import { wsMeaning } from '../socket-codes.ts';
import { channelKey } from './protocol.ts';
import { Subscriptions, type Channel, type DataFrame, type Subscription } from './subscriptions.ts';
import type { StreamTiming } from './timing.ts';

export interface SocketOptions {
  readonly name: string;
  readonly url: string;
  /** The text that logs in; null on the public socket. */
  readonly login: (() => string) | null;
  readonly log: Log;
  readonly redact: Redact;
  readonly random: () => number;
  /** Milliseconds of a clock that never jumps. */
  readonly monotonicMs: () => number;
  readonly timing: StreamTiming;
  /** Connections that this process may still open. */
  readonly connects: TokenBucket;
  /** A connection after the first is dialled. */
  readonly onRedial: () => void;
  /** A frame that broke the venue's format, whichever channel it was meant for. */
  readonly onMalformed: () => void;
}

export interface BitgetSocket {
  readonly heardAtMs: number | null;
  add(channel: Channel): void;
  remove(channel: Channel): void;
  /** Resolves when the connection is gone; nothing is delivered from the call on. */
  close(): Promise<void>;
}

type Phase = 'idle' | 'dialling' | 'logging_in' | 'live' | 'waiting' | 'closed';

/** The venue allows 10 messages a second and closes the connection above it; the ping needs room too. */
const MESSAGES = { perSecond: 7, atOnce: 2 } as const;
/** A snapshot of 1,000 levels a side takes some 60 kB. */
const FRAME_BYTES_MAX = 4 * 1024 * 1024;
export function createSocket(options: SocketOptions): BitgetSocket {
  const { name, log, redact, timing, monotonicMs, connects } = options;
  const { random } = options;
  const subscriptions = new Subscriptions(random, timing, monotonicMs());
  const connectBackoff = createRetryDelay({ random, ...timing.connectBackoffMs, stableMs: timing.stableMs });
  const loginBackoff = createRetryDelay({ random, ...timing.loginBackoffMs, stableMs: timing.stableMs });
  let phase: Phase = 'idle';
  let phaseAtMs = 0;
  let socket: WebSocket | null = null;
  let dials = 0;
  let heardAtMs: number | null = null;
  let pingAtMs = 0;
  let unansweredPingAtMs: number | null = null;
  let messages = createTokenBucket(MESSAGES.perSecond, MESSAGES.atOnce, monotonicMs());
  let pulse: NodeJS.Timeout | null = null;
  let redialTimer: NodeJS.Timeout | null = null;
  let pumpTimer: NodeJS.Timeout | null = null;

  function enter(next: Phase): void {
    phase = next;
    phaseAtMs = monotonicMs();
  }

  function dial(): void {
    const nowMs = monotonicMs();
    const budgetMs = waitMs(connects, nowMs);
    if (budgetMs > 0) return redialIn(budgetMs);
    take(connects);
    dials += 1;
    if (dials > 1) options.onRedial();
    enter('dialling');
    pulse ??= setInterval(beat, timing.pulseMs);
    let problem = '';
    // Redirects are not followed: no other host is ever dialled.
    const dialled = new WebSocket(options.url, { perMessageDeflate: false, maxPayload: FRAME_BYTES_MAX });
    socket = dialled;
    dialled.on('error', (error) => (problem = error.message));
    dialled.on('close', (code, words) => {
      if (socket === dialled) disconnect(problem || `closed by the venue: ${code} ${words.toString('utf8')}`.trim());
    });
    dialled.on('open', () => {
      if (socket === dialled) opened();
    });
    dialled.on('message', (data) => {
      if (socket === dialled) hear(textOf(data));
    });
  }

  function redialIn(delayMs: number): void {
    enter('waiting');
    redialTimer = setTimeout(dial, delayMs);
  }

  function opened(): void {
    messages = createTokenBucket(MESSAGES.perSecond, MESSAGES.atOnce, monotonicMs());
    if (options.login === null) return loggedIn();
    enter('logging_in');
    say(options.login());
  }

  function loggedIn(): void {
    enter('live');
    loginBackoff.reset();
    const nowMs = monotonicMs();
    pingAtMs = nowMs;
    unansweredPingAtMs = null;
    subscriptions.connected(nowMs);
    log.info('venue socket up', { socket: name });
    pump();
  }

  /** Ends the connection there is, tells every channel, and tries again after the back-off. */
  function disconnect(rawReason: string, loginRefused: 'no' | 'for_now' | 'for_good' = 'no'): void {
    const reason = redact(rawReason).slice(0, 300);
    const ended = socket;
    socket = null;
    ended?.terminate();
    if (pumpTimer !== null) clearTimeout(pumpTimer);
    pumpTimer = null;
    const heldMs = phase === 'live' ? monotonicMs() - phaseAtMs : 0;
    const delayMs = Math.max(connectBackoff.nextMs(heldMs), loginDelayMs(loginRefused));
    log.warn('venue socket down', { socket: name, reason, retryInMs: delayMs });
    redialIn(delayMs);
    for (const { channel } of subscriptions.all()) channel.lost(reason, true);
  }

  /** Wrong keys do not get better, and each further try may block the address. */
  function loginDelayMs(refused: 'no' | 'for_now' | 'for_good'): number {
    if (refused === 'no') return 0;
    const delayMs = loginBackoff.nextMs(0);
    return refused === 'for_good' ? timing.loginBackoffMs.maxMs : delayMs;
  }

  function say(text: string): void {
    take(messages);
    socket?.send(text);
  }

  /** Says what is due, as fast as the venue allows. */
  function pump(): void {
    if (pumpTimer !== null) clearTimeout(pumpTimer);
    pumpTimer = null;
    while (phase === 'live') {
      const nowMs = monotonicMs();
      const paceMs = waitMs(messages, nowMs);
      const next = paceMs > 0 ? paceMs : subscriptions.next(nowMs);
      if (typeof next === 'number') {
        // Longer than a timer can hold is for ever.
        if (next < 0x7fffffff) pumpTimer = setTimeout(pump, next);
        return;
      }
      say(JSON.stringify(next));
    }
  }

  /** Looks for what did not happen: an answer, a pong, a frame. */
  function beat(): void {
    const nowMs = monotonicMs();
    switch (phase) {
      case 'dialling':
        if (nowMs - phaseAtMs > timing.connectWithinMs) disconnect(`no connection within ${timing.connectWithinMs} ms`);
        return;
      case 'logging_in':
        if (nowMs - phaseAtMs > timing.answerWithinMs)
          disconnect(`no answer to the login within ${timing.answerWithinMs} ms`);
        return;
      case 'live':
        if (unansweredPingAtMs !== null && nowMs - unansweredPingAtMs > timing.pongWithinMs) {
          return disconnect(`no pong within ${timing.pongWithinMs} ms`);
        }
        if (nowMs - pingAtMs >= timing.pingEveryMs && waitMs(messages, nowMs) === 0) {
          pingAtMs = nowMs;
          unansweredPingAtMs ??= nowMs;
          say('ping');
        }
        for (const entry of subscriptions.all()) checkQuiet(entry, nowMs);
        return;
      default:
        return;
    }
  }

  function checkQuiet(entry: Subscription, nowMs: number): void {
    if (entry.state === 'asked' && nowMs - entry.atMs > timing.answerWithinMs) {
      lose(entry, `no answer to the subscription within ${timing.answerWithinMs} ms`);
    } else if (entry.state === 'live' && nowMs - entry.heardAtMs > entry.channel.quietMsMax) {
      lose(entry, `nothing heard for ${entry.channel.quietMsMax} ms`);
    }
  }

  /** One channel is not to be trusted: it is asked for anew, at once the first time, then after its back-off. */
  function lose(entry: Subscription, rawReason: string): void {
    const nowMs = monotonicMs();
    const reason = redact(rawReason).slice(0, 300);
    const delayMs = entry.backoff.nextMs(entry.state === 'live' ? nowMs - entry.atMs : 0);
    const retryInMs = entry.backoff.failures === 1 ? 0 : delayMs;
    log.warn('venue channel lost', { socket: name, channel: entry.key, reason, retryInMs });
    subscriptions.askAnew(entry, nowMs, retryInMs);
    entry.channel.lost(reason, false);
    pump();
  }

  function hear(text: string): void {
    heardAtMs = monotonicMs();
    if (text === 'pong') {
      unansweredPingAtMs = null;
      return;
    }
    const message = parseMessage(text);
    if (message === null) return malformed(text);
    if (typeof message.event === 'string') return hearEvent(message as unknown as EventMessage, text);
    if (!isRecord(message.arg) || !Array.isArray(message.data)) return malformed(text);
    const entry = subscriptions.find(channelKey(message.arg));
    // What was on its way when we unsubscribed is from before the next acknowledgement, and says nothing.
    if (entry === undefined || entry.state !== 'live') return;
    try {
      entry.channel.frame(message as unknown as DataFrame, text);
      // Updates without the snapshot that got lost are no sign of life: they would be ignored for ever.
      if (entry.channel.isUp) entry.heardAtMs = heardAtMs;
    } catch (error) {
      // Anything else is a bug of ours, and nobody catches it to go on.
      if (!(error instanceof VenueMalformed)) throw error;
      lose(entry, error.message);
    }
  }

  function hearEvent(message: EventMessage, text: string): void {
    const { event, arg } = message;
    if (event === 'error' || (event === 'login' && String(message.code) !== '0')) return hearRefusal(message);
    if (event === 'login') {
      if (phase === 'logging_in') loggedIn();
      return;
    }
    if (event !== 'subscribe') {
      if (event !== 'unsubscribe') malformed(text);
      return;
    }
    const entry = isRecord(arg) ? subscriptions.find(channelKey(arg)) : undefined;
    if (entry === undefined || entry.state !== 'asked') return;
    entry.state = 'live';
    entry.atMs = entry.heardAtMs = monotonicMs();
    entry.channel.acknowledged();
  }

  function hearRefusal({ code: rawCode, msg, arg, op }: EventMessage): void {
    const code = String(rawCode);
    const words = typeof msg === 'string' ? `${code} ${msg}` : code;
    const meaning = wsMeaning(code);
    if (phase === 'logging_in' || meaning === 'relogin' || meaning === 'stop_login') {
      return disconnect(`login refused: ${words}`, meaning === 'stop_login' ? 'for_good' : 'for_now');
    }
    if (meaning === 'slow_down') drain(messages);
    const named = isRecord(arg) ? arg : argumentIn(msg);
    const entry = named === null ? undefined : subscriptions.find(channelKey(named));
    if (op === 'unsubscribe' || entry === undefined || entry.state !== 'asked') {
      log.warn('venue socket refuses', { socket: name, reason: redact(words).slice(0, 300) });
      return;
    }
    // It is not subscribed, so there is nothing to unsubscribe from.
    entry.state = 'due';
    lose(entry, `subscription refused: ${words}`);
  }

  function malformed(text: string): void {
    options.onMalformed();
    log.warn('venue socket sent no message', { socket: name, text: redact(text).slice(0, 200) });
  }

  return {
    get heardAtMs() {
      return heardAtMs;
    },
    add(channel) {
      subscriptions.add(channel, monotonicMs());
      if (phase === 'idle') dial();
      else pump();
    },
    remove(channel) {
      subscriptions.remove(channel);
      pump();
    },
    close() {
      enter('closed');
      for (const timer of [pulse, redialTimer, pumpTimer]) if (timer !== null) clearTimeout(timer);
      const ended = socket;
      socket = null;
      if (ended === null || ended.readyState === WebSocket.CLOSED) return Promise.resolve();
      return new Promise((resolve) => {
        ended.once('close', () => resolve());
        ended.terminate();
      });
    },
  };
}

interface EventMessage {
  readonly event: string;
  readonly code?: unknown;
  readonly msg?: unknown;
  readonly arg?: unknown;
  readonly op?: unknown;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseMessage(text: string): Record<string, unknown> | null {
  try {
    const message: unknown = JSON.parse(text);
    return isRecord(message) ? message : null;
  } catch {
    return null;
  }
}

/** The unified socket names what it refuses inside its words: `{"instType":...,"topic":...} doesn't exist`. */
function argumentIn(words: unknown): Record<string, unknown> | null {
  const found = typeof words === 'string' ? /\{[^{}]*\}/.exec(words) : null;
  return found === null ? null : parseMessage(found[0]);
}

function textOf(data: RawData): string {
  return Buffer.isBuffer(data)
    ? data.toString('utf8')
    : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]).toString('utf8');
}
