/** Every workflow type: what the worker's bundle is made of. */
export { bot } from './bot/workflow.ts';
