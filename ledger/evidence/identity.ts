/** What every record says of the desk that collected it. */
import type { JsonObject } from '../../core/evidence/json.ts';
import type { EvidenceDraft } from '../../core/evidence/record.ts';
import { hashOf } from './hash.ts';

export type DeskIdentity = Pick<EvidenceDraft, 'venue' | 'dataSource' | 'codeVersion' | 'configHash'>;

interface DeskFiles {
  readonly desk: { readonly venue: { readonly name: string; readonly endpoint: EvidenceDraft['dataSource'] } };
  readonly bots: ReadonlyMap<string, object>;
}

export function deskIdentity({ desk, bots }: DeskFiles, codeVersion: string): DeskIdentity {
  const config = JSON.parse(JSON.stringify({ desk, bots: Object.fromEntries(bots) })) as JsonObject;
  return { venue: desk.venue.name, dataSource: desk.venue.endpoint, codeVersion, configHash: hashOf(config) };
}
