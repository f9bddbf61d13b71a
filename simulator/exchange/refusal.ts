/** Every "no" the simulator says, with Bitget's own codes and words where they are known. */

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
  badParameter: (text: string) => new Refusal('40017', `Parameter verification failed ${text}`),
  missing: (field: string) => new Refusal('40019', `Parameter ${field} cannot be empty`),
  unknownSymbol: (symbol: string) => new Refusal('40034', `Parameter ${symbol} does not exist`),
  duplicateClientOid: () => new Refusal('40786', 'Duplicate clientOid'),
  clientOidTooLong: () =>
    new Refusal('40305', 'client_oid length is not greater than 50, and cannot be Martian characters'),
  orderNotFound: () => new Refusal('40109', 'The data of the order cannot be found, please confirm the order number'),
  orderGone: () => new Refusal('40768', 'Order does not exist'),
  nothingToCancel: () => new Refusal('22001', 'No order to cancel'),
  nothingToReduce: () => new Refusal('22002', 'No position to close'),
  notionalTooSmall: (min: string) => new Refusal('45110', `less than the minimum amount ${min} USDT`),
  qtyTooSmall: (min: string) => new Refusal('45111', `less than the minimum order quantity ${min}`),
  qtyOffGrid: (value: string, places: number) =>
    new Refusal(
      '40808',
      `Parameter verification exception size checkBDScale error value=${value} checkScale=${places}`,
    ),
  priceOffGrid: (tick: string) => new Refusal('45115', `The price you enter should be a multiple of ${tick}`),
  balanceTooSmall: () => new Refusal('40762', 'The order amount exceeds the balance'),
  wrongPositionMode: () =>
    new Refusal('40774', 'The order type for unilateral position must also be the unilateral position type.'),
  busy: () => new Refusal('45117', 'Currently holding positions or orders, the margin mode cannot be adjusted'),
  notSimulated: (what: string) => new Refusal('40017', `Parameter verification failed: ${what} is not simulated`),
  classicAccount: () =>
    new Refusal('40084', 'You are in Classic Account mode, and the Unified Account API is not supported at this time'),
  tooManyRequests: () => new Refusal('429', 'Too Many Requests', 429),
  unknownPath: () => new Refusal('40404', 'Request URL NOT FOUND', 404),
} as const;
