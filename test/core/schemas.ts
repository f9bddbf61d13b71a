/** What tests of schemas ask again and again. */
interface Schema {
  safeParse(raw: unknown): { readonly success: boolean };
}

export function takes(schema: Schema, raw: unknown): boolean {
  return schema.safeParse(raw).success;
}

/** `raw` with other fields; a field that is undefined in `change` is left out. */
export function changed(raw: object, change: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries({ ...raw, ...change }).filter(([, value]) => value !== undefined));
}
