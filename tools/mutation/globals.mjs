/**
 * What core's tests take from `@jest/globals`, without jest around it: a test file's tests are collected while it loads and
 * run later, one by one, in the process that already holds them. What is not here fails at load, by name.
 */
import { format } from 'node:util';
import { expect } from 'expect';

export { expect };

/** @type {{ path: string[], tests: { name: string, run: () => unknown }[] }} */
let collected = { path: [], tests: [] };

/** Answers the tests that `load` declares. Names are made unique, since they are the tests' ids. */
export async function collect(load) {
  collected = { path: [], tests: [] };
  await load();
  const seen = new Map();
  return collected.tests.map(({ name, run }) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return { name: count === 1 ? name : `${name} (${count})`, run };
  });
}

export function describe(name, body) {
  collected.path.push(name);
  body();
  collected.path.pop();
}

export function test(name, run) {
  collected.tests.push({ name: [...collected.path, name].join(' › '), run });
}

const each = (declare) => (rows) => (name, body) => {
  for (const [index, row] of rows.entries()) {
    const values = Array.isArray(row) ? row : [row];
    declare(title(name, values, index), () => body(...values));
  }
};
describe.each = each(describe);
test.each = each(test);

/** As jest names a row: `$key` of an object, else printf's signs in the order of the values. */
function title(name, values, index) {
  const numbered = name.replaceAll('%#', String(index));
  const [first] = values;
  if (/\$\w/.test(numbered) && typeof first === 'object' && first !== null)
    return numbered.replace(/\$(\w+)/g, (_sign, key) => format('%s', first[key]));
  const signs = numbered.match(/%[sdifjop]/g)?.length ?? 0;
  return format(numbered, ...values.slice(0, signs));
}
