/** Every "no" the simulator says, with Bitget's own codes and words from its published error tables. */

/** Answered as `{code, msg, requestTime, data: null}` with `httpStatus`. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: string;
  readonly httpStatus: number;
  constructor(code: string, message: string, httpStatus = 400) {
    super(message);
    this.code = code;
    this.httpStatus = httpStatus;
  }
}

export const refuse = {
  // Requests.
  badParameter: (text: string) => new Refusal('40017', `Parameter verification failed ${text}`),
  missing: (field: string) => new Refusal('40019', `Parameter ${field} cannot be empty`),
  unknownSymbol: (symbol: string) => new Refusal('40034', `Parameter ${symbol} does not exist`),
  notSimulated: (what: string) => new Refusal('40017', `Parameter verification failed: ${what} is not simulated`),
  classicAccount: () =>
    new Refusal('40084', 'You are in Classic Account mode, and the Unified Account API is not supported at this time'),
  unifiedAccount: () =>
    new Refusal('40085', 'You are in Unified Account mode, and the Classic Account API is not supported at this time'),
  tooManyRequests: () => new Refusal('429', 'Too Many Requests', 429),
  unknownPath: () => new Refusal('40404', 'Request URL NOT FOUND', 404),

  // Orders.
  duplicateClientOid: () => new Refusal('40786', 'Duplicate clientOid'),
  clientOidTooLong: () =>
    new Refusal('40305', 'client_oid length is not greater than 50, and cannot be Martian characters'),
  orderNotFound: () => new Refusal('40109', 'The data of the order cannot be found, please confirm the order number'),
  orderGone: () => new Refusal('40768', 'Order does not exist'),
  nothingToCancel: () => new Refusal('22001', 'No order to cancel'),
  cancelTooMany: () => new Refusal('40912', 'single cancel cannot exceed 50'),
  nothingToReduce: () => new Refusal('22002', 'No position to close'),
  closesTooMuch: () => new Refusal('40757', 'Not enough position is available.'),
  notionalTooSmall: (min: string) => new Refusal('45110', `less than the minimum amount ${min} USDT`),
  qtyTooSmall: (min: string) => new Refusal('45111', `less than the minimum order quantity ${min}`),
  qtyOffGrid: (value: string, places: number) =>
    new Refusal(
      '40808',
      `Parameter verification exception size checkBDScale error value=${value} checkScale=${places}`,
    ),
  priceOffGrid: (tick: string) => new Refusal('45115', `The price you enter should be a multiple of ${tick}`),
  balanceTooSmall: () => new Refusal('40762', 'The order amount exceeds the balance'),
  aboveTier: () => new Refusal('40921', 'The order size cannot exceed the maximum size of the positionLevel'),
  tooManyOrders: (max: number) =>
    new Refusal(
      '45118',
      `Reached the upper limit of the order of transactions (the current number of order + the current number of orders) ${max}`,
    ),
  wrongPositionMode: () =>
    new Refusal('40774', 'The order type for unilateral position must also be the unilateral position type.'),
  amendHalf: () => new Refusal('40925', 'price or size must be passed in together'),
  amendNothing: () => new Refusal('40923', 'Order size and price have not changed'),
  amendNotNew: () => new Refusal('40922', 'Only work order modifications are allowed'),

  // Triggers.
  planGone: () => new Refusal('43025', 'Plan order does not exist'),
  planClosed: () => new Refusal('43026', 'The planned order has been closed'),
  tpslGone: () => new Refusal('43020', 'Stop profit and stop loss order does not exist'),
  tpslClosed: () => new Refusal('43021', 'The stop-profit and stop-loss order has been closed'),
  noPositionToProtect: () => new Refusal('43023', 'Insufficient position, can not set profit or stop loss'),
  protectsTooMuch: () =>
    new Refusal('43029', 'The size of the current Order > the maximum number of positions that can be closed'),
  positionSizeFixed: () => new Refusal('45128', 'Position brackets disabled modify qty'),
  takeProfitExists: () => new Refusal('43030', 'Take profit order already existed'),
  stopLossExists: () => new Refusal('43031', 'Stop loss order already existed'),
  longProfitTooLow: () => new Refusal('40915', 'Long position take profit price please > mark price'),
  longStopTooHigh: (mark: string) => new Refusal('40917', `Stop price for long positions please < mark price ${mark}`),
  shortProfitTooHigh: () =>
    new Refusal('40832', 'The take profit price of short positions should be less than the current price'),
  shortStopTooLow: (mark: string) => new Refusal('45122', `Short position stop loss price please > mark price ${mark}`),

  // Settings.
  busy: () => new Refusal('45117', 'Currently holding positions or orders, the margin mode cannot be adjusted'),
  positionModeBusy: () => new Refusal('40920', 'Position or order exists, the position mode cannot be switched'),
  crossedMarginFixed: () => new Refusal('40875', 'Whole position mode does not support margin adjustment'),
  noPositionForMargin: () => new Refusal('43043', 'There is no position'),
  marginTooSmall: () => new Refusal('40800', 'Insufficient amount of margin'),
  leverageTooHigh: () => new Refusal('40797', 'Exceeded the maximum settable leverage'),
} as const;
