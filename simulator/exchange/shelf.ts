/** Rows of one kind by id and by client id: the open ones, and so many of the closed ones, the oldest of which go first. */

interface Shelved {
  readonly id: number;
  readonly clientOid: string;
}

export class Shelf<Row extends Shelved> {
  readonly open = new Map<number, Row>();
  private readonly isOpen: (row: Row) => boolean;
  private readonly closedMax: number;
  private readonly rows = new Map<number, Row>();
  private readonly named = new Map<string, Row>();
  /** Ids in the order they closed. */
  private closed: number[] = [];

  constructor(isOpen: (row: Row) => boolean, closedMax: number) {
    this.isOpen = isOpen;
    this.closedMax = closedMax;
  }

  get all(): IterableIterator<Row> {
    return this.rows.values();
  }

  byId(id: number): Row | undefined {
    return this.rows.get(id);
  }

  byClientOid(clientOid: string): Row | undefined {
    return this.named.get(clientOid);
  }

  /** Adds a row or takes note of its new state. */
  put(row: Row): void {
    this.rows.set(row.id, row);
    this.named.set(row.clientOid, row);
    if (this.isOpen(row)) {
      this.open.set(row.id, row);
      return;
    }
    this.open.delete(row.id);
    this.closed.push(row.id);
    if (this.closed.length > this.closedMax * 1.1) this.forgetOldest();
  }

  private forgetOldest(): void {
    const forgotten = this.closed.slice(0, this.closed.length - this.closedMax);
    this.closed = this.closed.slice(-this.closedMax);
    for (const id of forgotten) {
      const row = this.rows.get(id);
      if (row === undefined) continue;
      this.rows.delete(id);
      this.named.delete(row.clientOid);
    }
  }
}
