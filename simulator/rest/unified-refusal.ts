/**
 * The same "no" with the numbers of the unified account. The exchange refuses in v2's codes; v3 has its own block, 25000
 * to 25655 (Bitget's unified-account error-code page). What has no own number there (signature, parameters, 429) stays.
 */
import { Refusal } from '../exchange/refusal.ts';

type Translation = readonly [code: string, message: (refusal: Refusal) => string];

const same = (text: string) => () => text;

const TRANSLATIONS: Readonly<Record<string, Translation>> = {
  '40786': ['25212', same('Duplicate clientOid')],
  '40305': ['25200', same('clientOid validation error')],
  '40768': ['25204', same('Order does not exist')],
  '40109': ['25204', same('Order does not exist')],
  '22002': ['25227', same('No position available to close')],
  '40757': ['25231', same('Close quantity cannot exceed the held position quantity')],
  '40762': ['25202', same('Insufficient balance')],
  '40921': ['25230', same('Order quantity exceeds the maximum open quantity')],
  '40774': ['25236', same('Incorrect position open type')],
  '45118': ['25211', ({ message }) => message.replace(/^.*\) /, 'Exceeds the limit of maximum orders: ')],
  '45110': ['25611', same('Order quantity must be greater than the minimum order amount')],
  '45111': ['25207', ({ message }) => `trading quantity too small: ${message}`],
  '40808': ['25200', ({ message }) => `qty validation error: ${message}`],
  '45115': ['25244', ({ message }) => message.replace('The price you enter', 'Price')],
  '40034': ['25100', ({ message }) => message.replace(/^Parameter/, 'Trading pair')],
  '40922': ['25568', same('The order does not meet the modification requirements.')],
  '40923': [
    '25571',
    same('The modification price and qty is the same as the original value. Please adjust and try again.'),
  ],
  '45117': ['25107', same('There is currently a position, please close the position')],
  '40920': ['25010', same('Unsupported position mode switch')],
  '40797': ['25223', same('Exceeds Max. leverage')],
  // Strategies.
  '43020': ['25597', same('Strategy does not exist or has already been stopped')],
  '43021': ['25597', same('Strategy does not exist or has already been stopped')],
  '43025': ['25597', same('Strategy does not exist or has already been stopped')],
  '43026': ['25597', same('Strategy does not exist or has already been stopped')],
  '43023': ['25601', same('Position does not exist; cannot set TP/SL')],
  '43029': ['25595', same('The total TP/SL quantity for partial positions exceeds the position amount')],
  '43030': ['25594', same('Only one TP/SL can be set for all positions of the current symbol')],
  '43031': ['25594', same('Only one TP/SL can be set for all positions of the current symbol')],
  '40915': [
    '25589',
    same('For long position TP/SL (close long), the take-profit trigger price must be greater than the mark price'),
  ],
  '40917': [
    '25590',
    same('For long position TP/SL (close long), the stop-loss trigger price must be less than the mark price'),
  ],
  '40832': [
    '25591',
    same('For short position TP/SL (close short), the take-profit trigger price must be less than the mark price'),
  ],
  '45122': [
    '25592',
    same('For short position TP/SL (close short), the stop-loss trigger price must be greater than the mark price'),
  ],
};

export function unifiedRefusal(refusal: Refusal): Refusal {
  const translation = TRANSLATIONS[refusal.code];
  return translation === undefined ? refusal : new Refusal(translation[0], translation[1](refusal));
}

export const refuseUnified = {
  invalid: (field: string) => new Refusal('25200', `${field} validation error`),
  openType: () => new Refusal('25236', 'Incorrect position open type'),
  tooManyInBatch: () => new Refusal('25241', 'Bulk orders cannot exceed the corresponding maximum order value.'),
  strategyGone: () => new Refusal('25597', 'Strategy does not exist or has already been stopped'),
  denied: () => new Refusal('25620', 'permission denied'),
} as const;

/** A handler that says no in the unified account's numbers. */
export function unified<Context, Answer>(handler: (context: Context) => Answer): (context: Context) => Answer {
  return (context) => {
    try {
      return handler(context);
    } catch (error) {
      throw error instanceof Refusal ? unifiedRefusal(error) : error;
    }
  };
}
