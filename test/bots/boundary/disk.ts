import type { Journal } from '../../../journal/journal.ts';

/** The same journal with another answer to "is it durable?". */
export function withDurable(journal: Journal, durable: () => Promise<void>): Journal {
  return new Proxy(journal, {
    get(target, key) {
      if (key === 'durable') return durable;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
