/** Faults that nobody asks a test for: another wording of a text that is written for a person. */
import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';

/** Calls whose text arguments are read by people only. */
const SPOKEN = new Set(['invariant', 'describe', 'error', 'assertNever']);

function calledName(callee) {
  if (callee.type === 'Identifier') return callee.name;
  if (callee.type === 'MemberExpression' && callee.property.type === 'Identifier') return callee.property.name;
  return undefined;
}

const texts = {
  shouldIgnore({ node, parentPath }) {
    if (node.type !== 'StringLiteral' && node.type !== 'TemplateLiteral') return undefined;
    const parent = parentPath?.node;
    if (parent?.type === 'CallExpression' && SPOKEN.has(calledName(parent.callee)) && parent.callee !== node)
      return 'a text for people';
    if (parent?.type === 'NewExpression' && /Error$|Failure$/.test(calledName(parent.callee) ?? ''))
      return 'a text for people';
    return undefined;
  },
};

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, 'texts', texts)];
