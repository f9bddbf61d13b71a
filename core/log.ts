/** Where a room tells what it does: constant text plus fields. `monitoring/` makes the real one; tests pass a plain object. */
export interface Log {
  info(msg: string, fields?: object): void;
  warn(msg: string, fields?: object): void;
  error(msg: string, fields?: object): void;
}

/** For callers with nobody to tell. */
export const SILENT: Log = { info: () => {}, warn: () => {}, error: () => {} };
