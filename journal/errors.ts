/** What can go wrong with a journal. None of these is retried by this room: each one stops the bot, which is the safe side. */

/** Another living process appends to this journal. */
export class JournalLocked extends Error {
  override readonly name = 'JournalLocked';
}

/** What is known about damage in the middle of a journal: the first bad place, and what lies behind it. */
export interface JournalDamage {
  /** Segment file, without its folder. */
  readonly file: string;
  /** Sequence of the first record that is not whole. */
  readonly sequence: number;
  /** Byte in the file where it should begin. */
  readonly offset: number;
  readonly reason: string;
}

/** Whole records lie behind a bad one: this is no torn tail, something overwrote or lost acknowledged bytes. */
export class JournalDamaged extends Error {
  override readonly name = 'JournalDamaged';
  readonly damage: JournalDamage;

  constructor(dir: string, damage: JournalDamage) {
    super(`${dir}/${damage.file}: record ${damage.sequence} at byte ${damage.offset}: ${damage.reason}`);
    this.damage = damage;
  }
}

/** A remembered position does not hold the record that was read there: another journal, or one that lost its tail. */
export class JournalMismatch extends Error {
  override readonly name = 'JournalMismatch';
}

/** The disk refused a write or a sync. What it holds now is unknown until recovery reads it, so nothing is tried again. */
export class JournalFailed extends Error {
  override readonly name = 'JournalFailed';
}

/** An archived segment does not hold what it should. The segment beside the journal, where there is one, is kept. */
export class ArchiveDamaged extends Error {
  override readonly name = 'ArchiveDamaged';
}
