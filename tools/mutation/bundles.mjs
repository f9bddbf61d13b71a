/**
 * Bundles each test file of core with the instrumented core it uses, into one ESM file: it loads in milliseconds, and loading
 * it again under another query evaluates all its modules anew, which is how a fault at a module's top level comes to work.
 */
import { mkdirSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = (file) => fileURLToPath(new URL(file, import.meta.url));
/** Loaded once and shared by all bundles. */
const REPLACED = { '@jest/globals': here('globals.mjs'), 'fast-check': here('laws.mjs') };

/** Stryker's counting of hits, at each expression, costs far more than the expression; only the first run needs it. */
const UNCOUNTED = 'stryCov_9fa48 = () => {};';

function plugin(root, isCounting) {
  return {
    name: 'mutation',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^(@jest\/globals|fast-check)$/ }, ({ path }) => ({
        path: pathToFileURL(REPLACED[path]).href,
        external: true,
      }));
      if (isCounting) return;
      onLoad({ filter: /\/core\/.*\.ts$/ }, ({ path }) => {
        if (!path.startsWith(join(root, 'core'))) return undefined;
        const text = readFileSync(path, 'utf8');
        return { contents: text.includes('stryCov_9fa48') ? `${UNCOUNTED}${text}` : text, loader: 'ts' };
      });
    },
  };
}

const testFiles = (root) =>
  readdirSync(join(root, 'test/core'), { recursive: true })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => `test/core/${file}`)
    .sort();

/**
 * Answers, for each test file below `root`, its bundle and the project files in it. A runner that was killed finds what its
 * predecessor built.
 * @returns {Promise<{ testFile: string, bundle: string, inputs: string[] }[]>}
 */
export async function bundleTests(root, { isCounting }) {
  const outdir = join(root, '.bundles', isCounting ? 'counting' : 'switching');
  const index = join(outdir, 'index.json');
  if (existsSync(index)) return JSON.parse(readFileSync(index, 'utf8'));
  mkdirSync(outdir, { recursive: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: testFiles(root),
    outdir,
    outbase: '.',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    metafile: true,
    logLevel: 'error',
    plugins: [plugin(root, isCounting)],
  });
  const bundles = Object.entries(metafile.outputs).map(([output, { entryPoint, inputs }]) => ({
    testFile: entryPoint,
    bundle: join(root, output),
    inputs: Object.keys(inputs),
  }));
  writeFileSync(index, JSON.stringify(bundles));
  return bundles;
}
