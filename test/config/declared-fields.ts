/** Every field that a schema of the configuration declares, as `docs/config.md` tells it. */
import { z } from 'zod';

export interface DeclaredField {
  readonly path: string;
  readonly values: string;
  /** `—` where a file has to say it. */
  readonly fallback: string;
}

const AMOUNT = '^\\d{1,12}(\\.\\d{1,12})?$';

/** In the order of the schema. An object's own default is told by those of its fields. */
export function declaredFields(schema: z.ZodType, path = '', fallback = '—'): DeclaredField[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    const { defaultValue, innerType } = schema.def;
    const told = typeof defaultValue === 'object' ? fallback : JSON.stringify(defaultValue).replaceAll('"', '');
    return declaredFields(innerType as z.ZodType, path, told);
  }
  if (schema instanceof z.ZodObject)
    return Object.entries(schema.shape as Record<string, z.ZodType>).flatMap(([key, field]) =>
      declaredFields(field, path === '' ? key : `${path}.${key}`),
    );
  if (schema instanceof z.ZodRecord) return declaredFields(schema.def.valueType as z.ZodType, `${path}.<name>`);
  return [{ path, values: valuesOf(schema), fallback }];
}

function valuesOf(schema: z.ZodType): string {
  const told = z.toJSONSchema(schema, { io: 'input' });
  const { minimum, maximum, exclusiveMinimum, pattern } = told;
  if (told.const !== undefined) return String(told.const);
  if (told.enum !== undefined) return told.enum.join(', ');
  if (told.type === 'boolean') return 'true, false';
  if (pattern === AMOUNT) return schema.safeParse('0').success ? 'amount, 0 or more' : 'amount, above 0';
  if (pattern !== undefined) return `\`${pattern.replace(/^\^|\$$/g, '')}\``;
  const type = told.type === 'integer' ? 'whole, ' : '';
  if (minimum !== undefined && maximum !== undefined) return `${type}${minimum}..${maximum}`;
  if (exclusiveMinimum !== undefined && maximum !== undefined) return `${type}above ${exclusiveMinimum}, to ${maximum}`;
  throw new Error(`a field that the page has no words for: ${JSON.stringify(told)}`);
}
