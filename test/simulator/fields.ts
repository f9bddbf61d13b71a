/** Every field of an answer by its path; what is in a list counts by its first entry. */
export function fieldsOf(value: unknown, path = ''): Set<string> {
  if (Array.isArray(value)) return value.length === 0 ? new Set() : fieldsOf(value[0], `${path}[]`);
  if (value === null || typeof value !== 'object') return new Set([path]);
  return new Set(Object.entries(value).flatMap(([key, entry]) => [...fieldsOf(entry, `${path}.${key}`)]));
}
