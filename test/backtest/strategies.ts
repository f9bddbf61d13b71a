/** What the golden replays and the bench of the machine's step play in recorded minutes. */

export const QUOTES = {
  name: 'two_sided_quotes',
  halfSpreadBps: 1,
  orderQuote: '250',
  inventoryQuoteMax: '1000',
  skewBps: 2,
  requoteBps: 0.5,
  requoteMsMin: 500,
};
/** A market maker that finds the recorded minutes worth quoting in: their spread alone is far below any fee. */
export const MAKER = {
  name: 'epp_v2_4',
  size: { levels: 2, orderQuote: '150', levelSpacingBps: 1.5, inventoryQuoteMax: '800', skewBps: 3 },
  spread: { minNetEdgeBps: 0.2, atrFactor: 0.2, adverseSelectionBps: 0.2, market: 'range' },
  requoteBps: 1.5,
  requoteMsMin: 500,
};
