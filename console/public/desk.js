/**
 * The page: takes the parts of the desk from `/api/stream` and puts them into the slots of index.html. Modes: asking (no
 * data yet) -> live -> dead (nothing heard for a while: all figures greyed, the browser keeps trying) -> live.
 */
import { curve, rangeOf } from './chart.js';
import * as text from './text.js';

/** The server says something every 5 s; this much silence is no coincidence. */
const DEAD_MS = 12_000;
/** A stream that was refused is asked for again; one that broke comes back by itself. */
const AGAIN_MS = 2_000;

const state = {
  desk: null,
  bots: new Map(),
  curves: new Map(),
  /** Server's clock minus ours. */
  offsetMs: 0,
  heardAt: performance.now(),
};
const cards = new Map();

const now = () => Date.now() + state.offsetMs;

function slot(root, name) {
  return root.querySelector(`[data-slot="${name}"]`);
}

/** Leaves the page alone where nothing changed: a selection or a focus stays. */
function say(root, name, value) {
  const at = slot(root, name);
  if (at.textContent !== value) at.textContent = value;
  return at;
}

function show(root, name, isShown) {
  slot(root, name).hidden = !isShown;
}

function tell(root, name, { text: words, tone }) {
  say(root, name, words).dataset.tone = tone;
}

function make(tag, content, data = {}) {
  const made = document.createElement(tag);
  made.append(...[content].flat());
  for (const [key, value] of Object.entries(data)) {
    if (key === 'class' || key === 'title') made[key === 'class' ? 'className' : key] = value;
    else made.dataset[key] = value;
  }
  return made;
}

function look(node, { shape, tone }) {
  node.dataset.shape = shape;
  node.dataset.tone = tone;
}

/* The desk as a whole. */

function renderDesk() {
  const { desk } = state;
  if (desk === null) return;
  const bots = [...state.bots.values()];
  say(document, 'desk', desk.desk);
  say(document, 'version', `${desk.venue} ${desk.endpoint} · version ${desk.codeVersion}`);
  renderVerdict(desk, bots);
  renderTotals(bots);
  renderMarket(desk);
  renderEvidence(desk);
  renderComponents(desk);
}

function renderVerdict(desk, bots) {
  const expected = bots.filter(({ state: health }) => health !== 'off');
  const running = expected.filter(({ state: health, telemetry }) => health === 'ok' && telemetry.phase === 'running');
  const down = desk.components.filter(({ up }) => !up);
  const troubled = expected.filter(({ state: health }) => health === 'degraded');
  const count = `${running.length} of ${expected.length} bots running`;
  const notes = [
    ...down.map(({ component }) => `${text.words(component)} does not answer`),
    ...troubled.map(({ bot, problem }) => `${bot}: ${text.problem(problem)}`),
    ...expected
      .filter((bot) => bot.state === 'ok' && bot.telemetry.phase === 'paused')
      .map(({ bot }) => `${bot} paused`),
  ];
  const isWell = desk.health === 'ok';
  say(document, 'verdict-word', isWell ? 'All well' : 'Needs a look');
  say(document, 'verdict-detail', count);
  const list = slot(document, 'verdict-notes');
  if (list.dataset.key !== notes.join()) list.replaceChildren(...notes.map((note) => make('li', note)));
  list.dataset.key = notes.join();
  look(
    slot(document, 'verdict'),
    isWell ? { shape: 'ok', tone: 'ok' } : { shape: 'warn', tone: down.length > 0 ? 'bad' : 'care' },
  );
}

/** A sum over bots is shown only when each of them has its part in it. */
function renderTotals(bots) {
  const trading = bots.filter(({ telemetry }) => telemetry !== null);
  const expected = bots.filter(({ state: health }) => health !== 'off').length;
  show(document, 'totals', trading.length > 0);
  say(document, 'totals-share', trading.length < expected ? `of ${trading.length} of ${expected} bots` : '');
  const sum = (of) =>
    trading.every((bot) => of(bot) !== null) ? trading.reduce((total, bot) => total + of(bot), 0) : null;
  say(document, 'total-equity', text.money(sum(({ telemetry }) => telemetry.equityQuote)));
  tell(document, 'total-pnl', text.signedMoney(sum(({ telemetry }) => telemetry.dayPnlQuote)));
  say(document, 'total-held', text.money(sum(({ telemetry }) => Math.abs(telemetry.positionQuote))));
  say(document, 'total-fills', text.whole(bots.reduce((total, { fillsTotal }) => total + fillsTotal, 0)));
}

function renderMarket({ endpoint, market }) {
  const isSimulated = endpoint === 'simulator';
  show(document, 'market', isSimulated);
  if (!isSimulated) return;
  const laps = slot(document, 'market-laps');
  if (market === null) {
    say(document, 'market-source', 'Exchange simulator: it has not said yet what it plays.');
    laps.replaceChildren();
    return;
  }
  const sources = new Set(
    market.symbols.map(
      ({ source, recordedFromMs }) => `${source.replace(/, recorded$/, '')} data of ${text.day(recordedFromMs)}`,
    ),
  );
  const speed = market.speed === 1 ? '' : `, at ${market.speed} times its speed`;
  say(
    document,
    'market-source',
    `Exchange simulator, no real money. It plays recorded ${[...sources].join(' and ')}${speed}.`,
  );
  const rows = market.symbols.map(({ symbol, lap, origin, play }) =>
    make('li', [
      make('b', symbol),
      make('span', `lap ${lap}`),
      make('span', origin, { class: 'label', origin }),
      ...(origin === 'derived' ? [make('span', `(${play})`, { class: 'dim' })] : []),
    ]),
  );
  const line = rows.map(({ textContent }) => textContent).join();
  if (laps.dataset.line !== line) laps.replaceChildren(...rows);
  laps.dataset.line = line;
}

/** What the desk has earned so far, and what is wrong with it; its age is the page's own clock. */
function renderEvidence({ evidence }) {
  show(document, 'evidence', evidence.length > 0);
  const list = slot(document, 'evidence-list');
  const rows = evidence.map(({ kind, number, atMs, rehearsal, verdict, text: gist }) => ({
    kind,
    look: text.verdictLook(verdict),
    name: text.evidenceName(kind),
    gist: [gist, ...(rehearsal.length > 0 ? ['a rehearsal'] : [])].filter((part) => part !== '').join('; '),
    age: `${text.span(now() - atMs)} ago`,
    title: [`evidence ${number}`, ...rehearsal].join('\n'),
  }));
  const key = JSON.stringify(rows);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(
    ...rows.map(({ kind, look: shown, name, gist, age, title }) => {
      const item = make(
        'li',
        [
          make('span', [], { class: 'shape' }),
          make('b', name),
          make('span', gist),
          make('span', age, { class: 'dim' }),
        ],
        { kind },
      );
      look(item, shown);
      item.title = title;
      return item;
    }),
  );
}

function renderComponents({ components, temporalUi }) {
  const list = slot(document, 'components');
  const key = JSON.stringify([components, temporalUi]);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  const items = components.map(({ component, up, problem }) => {
    const item = make('li', [make('span', [], { class: 'shape' }), `${text.words(component)} ${up ? 'up' : 'down'}`]);
    look(item, up ? { shape: 'ok', tone: 'ok' } : { shape: 'down', tone: 'bad' });
    if (problem !== null) item.title = problem;
    return item;
  });
  if (temporalUi !== null) {
    const link = make('a', 'Temporal UI ↗');
    link.href = temporalUi;
    link.target = '_blank';
    link.rel = 'noreferrer';
    items.push(make('li', link));
  }
  list.replaceChildren(...items);
}

/* One bot. */

function cardOf(bot) {
  let card = cards.get(bot);
  if (card === undefined) {
    card = document.getElementById('bot-card').content.firstElementChild.cloneNode(true);
    card.dataset.bot = bot;
    cards.set(bot, card);
  }
  return card;
}

/** Disabled bots come last: they need no look. */
function placeCards() {
  const names = state.desk?.bots ?? [];
  const isOff = (bot) => (state.bots.get(bot)?.mode === 'disabled' ? 1 : 0);
  const wanted = names
    .filter((bot) => state.bots.has(bot))
    .sort((a, b) => isOff(a) - isOff(b))
    .map(cardOf);
  const holder = slot(document, 'cards');
  if (wanted.some((card, i) => holder.children[i] !== card)) holder.replaceChildren(...wanted);
}

function renderBot(bot) {
  const view = state.bots.get(bot);
  const card = cardOf(bot);
  const { telemetry, mode } = view;
  const isOff = mode === 'disabled';
  card.toggleAttribute('data-off', isOff);
  show(card, 'foot', !isOff);
  say(card, 'bot', bot);
  say(card, 'symbol', view.symbol);
  const phase = isOff
    ? 'disabled'
    : (telemetry?.phase ?? (view.workflow.state === 'answered' ? view.workflow.phase : 'waiting'));
  look(slot(card, 'phase'), text.phaseLook(phase));
  say(card, 'phase-word', phase.replaceAll('_', ' '));
  say(
    card,
    'tags',
    [
      text.words(view.role),
      `mode ${mode.replace('_', ' ')}`,
      `account ${view.account}`,
      text.strategyName(view.strategy),
    ].join(' · '),
  );
  say(card, 'reason', botSentence(view));
  const action = isOff ? null : actionOf(view);
  show(card, 'action', action !== null);
  say(card, 'action', action ?? '');
  const trouble = isOff ? null : troubleOf(view);
  show(card, 'problem', trouble !== null);
  say(card, 'problem', trouble ?? '');
  show(card, 'body', telemetry !== null);
  if (telemetry !== null) {
    renderFigures(card, view);
    renderOrders(card, view);
    renderFills(card, view);
  }
  renderTimings(card, view);
  renderWorkflow(card, view);
  renderAge(card, view);
}

function botSentence({ mode, bot, telemetry, problem }) {
  if (mode === 'disabled') return `Off: config/bots/${bot}.yml says disabled.`;
  if (telemetry !== null)
    return telemetry.reasonText === null ? text.words(telemetry.reason) : text.sentence(telemetry.reasonText.means);
  return problem === 'store_not_answering'
    ? 'Nothing to show: the event store does not answer.'
    : 'No data yet. A bot writes its first telemetry a few seconds after it has started.';
}

/** Nothing is asked of anybody while it quotes. */
function actionOf({ telemetry }) {
  if (telemetry === null || telemetry.reasonText === null || telemetry.reason === 'quoted') return null;
  return `→ ${telemetry.reasonText.action}`;
}

/** What a person did or has to do; age has a bar of its own. */
function troubleOf({ problem, workflow }) {
  const by = (what, recorded) => `${what} by ${recorded.operator}, ${text.clock(recorded.atMs)}: ${recorded.reason}`;
  if (workflow.state === 'answered') {
    if (workflow.gaveUp !== null) return `Not restarted any more: ${workflow.gaveUp.reason.split('\n')[0]}`;
    if (workflow.hardStoppedBy !== null) return by('Hard stop', workflow.hardStoppedBy);
    if (workflow.frozenBy !== null) return by('Frozen', workflow.frozenBy);
    if (workflow.pausedBy !== null) return by('Paused', workflow.pausedBy);
  }
  if (
    problem === null ||
    problem === 'telemetry_stale' ||
    problem === 'no_telemetry' ||
    problem === 'store_not_answering'
  )
    return null;
  return text.words(text.problem(problem));
}

function renderFigures(card, { telemetry, symbol }) {
  const { equityQuote, dayPnlQuote, dayPnlRatio, position, positionQuote, unrealised, entryPrice, mid } = telemetry;
  say(card, 'equity', text.money(equityQuote));
  tell(card, 'pnl', text.signedMoney(dayPnlQuote));
  say(card, 'pnl-share', dayPnlRatio === null ? '' : `${text.percent(dayPnlRatio, 3)} today`);
  tell(card, 'unrealised', text.signedMoney(Number(unrealised)));
  const held = Number(position);
  const base = symbol.replace(/USDT$/, '');
  say(card, 'position', held === 0 ? 'flat' : `${held > 0 ? 'long' : 'short'} ${position.replace('-', '')}`);
  say(card, 'position-quote', held === 0 ? base : `${base} · ${text.money(positionQuote)}`);
  const decimals = text.decimalsOf([mid ?? '0']);
  say(card, 'entry', entryPrice === null ? text.NONE : text.decimal(entryPrice, Math.min(decimals, 4)));
  const stops = (telemetry.stopPrices ?? []).map((price) => text.decimal(price, decimals));
  const marks = [mid === null ? 'no mid' : `mid\u00a0${text.decimal(mid, decimals)}`];
  if (stops.length > 0) marks.push(`stop\u00a0${stops.join(', ')}`);
  say(card, 'mid', marks.join(' · '));
  say(card, 'drawdown', text.percent(telemetry.drawdownRatio, 3));
  say(card, 'fees', `fees ${text.money(Number(telemetry.fees))}`);
  renderRisk(card, telemetry);
}

/** Telemetry of earlier versions knows none of it. */
function renderRisk(card, { riskLevel, riskText, regime, funding, fundingRate, positionDriftPct, marginRatio }) {
  show(card, 'risk', riskLevel !== undefined);
  if (riskLevel === undefined) return;
  const level = riskLevel.replaceAll('_', ' ');
  tell(card, 'risk-level', {
    text: riskText === null ? `Risk: ${level} ·` : `Risk: ${level}. It ${riskText} ·`,
    tone: text.riskTone(riskLevel),
  });
  const rate = fundingRate === null ? '' : ` (now ${text.percent(fundingRate, 4)})`;
  const figures = [
    ...(regime === null ? [] : [`regime ${regime.replaceAll('_', ' ')}`]),
    `funding ${text.money(Number(funding))}${rate}`,
    `drift ${text.percent(positionDriftPct / 100)}`,
    ...(marginRatio === null ? [] : [`margin ${text.percent(marginRatio)}`]),
  ];
  say(card, 'risk-figures', figures.join(' · '));
}

function renderRows(table, rows) {
  const body = table.tBodies[0];
  const key = JSON.stringify(rows);
  table.hidden = rows.length === 0;
  if (body.dataset.key === key) return;
  body.dataset.key = key;
  body.replaceChildren(
    ...rows.map(({ title, cells }) => {
      const row = make(
        'tr',
        cells.map(({ text: words, ...data }) => make('td', words, data)),
      );
      row.title = title;
      return row;
    }),
  );
}

function renderOrders(card, { openOrders, telemetry }) {
  const prices = text.decimalsOf(openOrders.map(({ price }) => price));
  const sizes = text.decimalsOf(openOrders.map(({ qty }) => qty));
  say(card, 'orders-count', openOrders.length === 0 ? '' : String(openOrders.length));
  show(card, 'orders-empty', openOrders.length === 0);
  say(card, 'orders-empty', 'None.');
  const unknown = telemetry.ordersUnknown > 0 ? `, ${telemetry.ordersUnknown} unknown` : '';
  if (openOrders.length > 0)
    say(card, 'orders-count', `${openOrders.length}${unknown} · ${telemetry.cancelsLastMinute} cancels/min`);
  renderRows(
    slot(card, 'orders'),
    openOrders.map(({ clientOrderId, side, price, qty, filled, state: order, external }) => ({
      title: clientOrderId,
      cells: [
        { text: side.toUpperCase(), side },
        { text: text.decimal(price, prices), class: 'num' },
        { text: text.decimal(qty, sizes), class: 'num' },
        { text: text.decimal(filled, sizes), class: 'num' },
        { text: external ? `${order.replace('_', ' ')}, foreign` : order.replace('_', ' ') },
      ],
    })),
  );
}

function renderFills(card, { fills, fillsTotal }) {
  const prices = text.decimalsOf(fills.map(({ price }) => price));
  const sizes = text.decimalsOf(fills.map(({ qty }) => qty));
  say(card, 'fills-count', fillsTotal === 0 ? '' : `of ${text.whole(fillsTotal)}`);
  show(card, 'fills-empty', fills.length === 0);
  say(card, 'fills-empty', 'None yet.');
  renderRows(
    slot(card, 'fills'),
    fills.map(({ tradeId, clientOrderId, atMs, side, price, qty, fee, liquidity }) => ({
      title: `trade ${tradeId}, order ${clientOrderId}`,
      cells: [
        { text: text.clock(atMs) },
        { text: side.toUpperCase(), side },
        { text: text.decimal(price, prices), class: 'num' },
        { text: text.decimal(qty, sizes), class: 'num' },
        { text: text.decimal(fee, 4), class: 'num' },
        { text: liquidity },
      ],
    })),
  );
}

function renderCurve(bot) {
  const card = cardOf(bot);
  const points = (state.curves.get(bot) ?? [])
    .map(({ atMs, equity }) => ({ atMs, value: Number(equity) }))
    .filter(({ value }) => value > 0);
  const plot = slot(card, 'plot');
  const caption = slot(card, 'curve-caption');
  if (points.length < 2) {
    plot.replaceChildren();
    caption.replaceChildren('The equity curve starts with the first minute.');
    return;
  }
  const { low, high } = rangeOf(points);
  const from = points[0].atMs;
  const to = points.at(-1).atMs;
  const label = `Equity between ${text.money(low)} and ${text.money(high)} in ${text.span(to - from)}`;
  plot.replaceChildren(curve(points, label));
  caption.replaceChildren(
    make('span', `${text.span(to - from)} to ${text.clock(to)}`),
    make('span', `low ${text.money(low)} · high ${text.money(high)}`),
  );
}

function renderTimings(card, { timings }) {
  show(card, 'timings', timings !== null);
  if (timings === null) return;
  const parts = [
    ['tick', timings.tick],
    ['journal', timings.durable],
    ['venue', timings.placeAnswer],
  ].filter(([, { count }]) => count > 0);
  const shown = parts.map(([name, { p99Ms }]) => `${name} ${text.millis(p99Ms)}`);
  const memory = `${text.whole(timings.memoryRssBytes / 1e6)}\u00a0MB`;
  say(card, 'timings', [...(shown.length > 0 ? [`p99 ${shown.join(', ')}`] : []), memory].join(' · '));
}

function renderWorkflow(card, { bot, workflow, workflowUrl }) {
  const link = slot(card, 'workflow');
  link.hidden = workflowUrl === null;
  if (workflowUrl === null) return;
  if (link.getAttribute('href') !== workflowUrl) link.href = workflowUrl;
  const restarts =
    workflow.state === 'answered' && workflow.restarts > 0
      ? `, ${workflow.restarts} restart${workflow.restarts === 1 ? '' : 's'}`
      : '';
  say(card, 'workflow', `Workflow bot/${bot}${restarts} ↗`);
}

/** A phase that was told long ago is no phase of now. */
function renderAge(card, { mode, telemetry, workflow }) {
  const ageMs = telemetry === null ? null : now() - telemetry.atMs;
  const isStale = isOld(mode, telemetry);
  card.toggleAttribute('data-stale', isStale);
  show(card, 'stale', isStale);
  if (isStale) say(card, 'stale', `DATA ${text.span(ageMs)} OLD`);
  if (telemetry !== null && mode !== 'disabled') {
    const phase = telemetry.phase.replaceAll('_', ' ');
    say(card, 'phase-word', isStale ? `was ${phase}` : phase);
    look(slot(card, 'phase'), isStale ? { shape: 'wait', tone: 'off' } : text.phaseLook(telemetry.phase));
  }
  const pid = workflow.state === 'answered' && workflow.pid !== null ? ` · pid ${workflow.pid}` : '';
  say(card, 'age', ageMs === null ? `no data${pid}` : `data ${text.span(ageMs)} old${pid}`);
}

function isOld(mode, telemetry) {
  const staleMs = state.desk?.staleMs ?? 15_000;
  return mode !== 'disabled' && telemetry !== null && now() - telemetry.atMs > staleMs;
}

/* Time passes by itself. */

function tick() {
  const atMs = now();
  say(document, 'clock-local', text.clock(atMs));
  say(document, 'clock-utc', text.utcClock(atMs));
  for (const [bot, view] of state.bots) renderAge(cardOf(bot), view);
  const anyOld = [...state.bots.values()].some(({ mode, telemetry }) => isOld(mode, telemetry));
  slot(document, 'totals').toggleAttribute('data-stale', anyOld);
  renderSilence(performance.now() - state.heardAt);
}

function renderSilence(silentMs) {
  const wasDead = document.body.classList.contains('is-dead');
  const isDead = silentMs > DEAD_MS;
  document.body.classList.toggle('is-dead', isDead);
  show(document, 'dead', isDead);
  if (isDead) {
    say(document, 'dead', `CONSOLE NOT ANSWERING · LAST HEARD ${text.span(silentMs)} AGO · TRYING AGAIN`);
    say(document, 'verdict-word', 'Not known');
    look(slot(document, 'verdict'), { shape: 'wait', tone: 'wait' });
  } else if (wasDead) renderDesk();
}

/* The stream. */

function take({ id, data }) {
  const [kind, bot] = id.split(':');
  if (kind === 'desk') state.desk = data;
  else if (kind === 'bot') state.bots.set(bot, data);
  else if (kind === 'curve') state.curves.set(bot, data);
  return { kind, bot };
}

function listen() {
  const changed = new Map();
  const stream = new EventSource('/api/stream');
  stream.addEventListener('part', (event) => {
    const part = JSON.parse(event.data);
    changed.set(part.id, take(part));
  });
  // A mark ends a batch: everything before it is of one moment.
  stream.addEventListener('mark', (event) => {
    state.offsetMs = JSON.parse(event.data).nowMs - Date.now();
    state.heardAt = performance.now();
    for (const { kind, bot } of changed.values()) {
      if (kind === 'bot') renderBot(bot);
      if (kind === 'curve') renderCurve(bot);
    }
    if (changed.size > 0) {
      placeCards();
      renderDesk();
    }
    changed.clear();
    tick();
  });
  stream.addEventListener('error', () => {
    if (stream.readyState !== EventSource.CLOSED) return;
    stream.close();
    setTimeout(listen, AGAIN_MS);
  });
}

listen();
tick();
setInterval(tick, 1_000);
