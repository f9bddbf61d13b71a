/** The simulator's admin port as tests use it: `const admin = connectAdmin(simulator.adminPort)`. */
import type { FaultPlanInput, FaultReport } from '../../core/simulation/fault-plan.ts';
import type { Truth, TrueOrder } from '../../simulator/admin/truth.ts';

export type AdminFault = FaultPlanInput['faults'][number];

/** A request that the admin port refused: `faults` names path, rule and value. */
export class AdminRefused extends Error {
  override readonly name = 'AdminRefused';
  readonly status: number;
  readonly faults: readonly { path: string; rule: string; value: string }[];
  constructor(status: number, answer: { error?: string; faults?: AdminRefused['faults'] }) {
    super(`${status}: ${answer.error ?? 'no reason given'}`);
    this.status = status;
    this.faults = answer.faults ?? [];
  }
}

export interface Admin {
  readonly url: string;
  /** Sets the whole plan: one fault, several, or a plan with its seed. */
  faults(plan: AdminFault | readonly AdminFault[] | FaultPlanInput): Promise<FaultReport[]>;
  clear(): Promise<void>;
  /** How often each fault of the plan has matched and struck. */
  report(): Promise<FaultReport[]>;
  truth(): Promise<Truth>;
  /** Every order with that client order id, of any account. */
  ordersOf(clientOid: string): Promise<(TrueOrder & { account: string })[]>;
  /** Any other request of the admin port. Throws `AdminRefused`. */
  call<T>(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T>;
}

export function connectAdmin(port: number | null): Admin {
  if (port === null) throw new Error('this simulator was started without an admin port');
  const url = `http://127.0.0.1:${port}`;
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(url + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const answer = (await response.json()) as object;
    if (!response.ok) throw new AdminRefused(response.status, answer);
    return answer as T;
  };
  return {
    url,
    call,
    faults: async (plan) => (await call<{ faults: FaultReport[] }>('PUT', '/faults', planOf(plan))).faults,
    clear: async () => void (await call('DELETE', '/faults')),
    report: async () => (await call<{ faults: FaultReport[] }>('GET', '/faults')).faults,
    truth: () => call<Truth>('GET', '/truth'),
    ordersOf: async (clientOid) =>
      (
        await call<{ orders: (TrueOrder & { account: string })[] }>(
          'GET',
          `/truth/orders?clientOid=${encodeURIComponent(clientOid)}`,
        )
      ).orders,
  };
}

function planOf(plan: AdminFault | readonly AdminFault[] | FaultPlanInput): FaultPlanInput {
  if (Array.isArray(plan)) return { faults: [...(plan as readonly AdminFault[])] };
  return 'kind' in plan ? { faults: [plan] } : (plan as FaultPlanInput);
}
