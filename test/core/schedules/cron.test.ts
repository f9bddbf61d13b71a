import { expect, test } from '@jest/globals';
import { cronFault } from '../../../core/schedules/cron.ts';

test.each([
  '* * * * *',
  '0 3 * * *',
  '*/15 8-18/2 * jan-mar,Dec MON-FRI',
  '5,35 23 31 12 *',
  '0 0 * * 0',
  '  0   3 * * 6 ',
  '7/20 0 1 * *',
])('%s is one', (text) => expect(cronFault(text)).toBeNull());

test.each([
  ['', 'five fields'],
  ['0 3 * *', 'five fields'],
  ['0 0 3 * * *', 'five fields'],
  ['@daily', 'five fields'],
  ['CRON_TZ=Asia/Tokyo 0 3 * * *', 'five fields'],
  ['60 3 * * *', 'minute of 0 to 59'],
  ['0 24 * * *', 'hour of 0 to 23'],
  ['0 0 0 * *', 'day of month of 1 to 31'],
  ['0 0 32 * *', 'day of month of 1 to 31'],
  ['0 0 * 13 *', 'month of 1 to 12'],
  ['0 0 * * 7', 'day of week of 0 to 6'],
  ['0 0 * * MOON', 'day of week of 0 to 6'],
  ['0 0 * MON *', 'month of 1 to 12'],
  ['5-1 0 * * *', '"5-1" is none'],
  ['*/0 0 * * *', '"*/0" is none'],
  ['*-5 0 * * *', '"*-5" is none'],
  ['1,,2 0 * * *', '"" is none'],
  ['-1 0 * * *', '"-1" is none'],
  ['1.5 0 * * *', '"1.5" is none'],
  ['0 0 1 * MON', 'day of month or day of week to be *'],
])('%s is none', (text, rule) => expect(cronFault(text)).toContain(rule));
