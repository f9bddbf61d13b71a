"""Starts the exchange tests that ship in the ccxt package, as they are.

run_ccxt_tests.py <packages> <queues.json>

The queues are lists of lanes; the lanes of a queue run one after the other, the queues side by side. A lane has
  settings   the folder of the two files that ccxt's tests read beside the package: keys.local.json, skip-tests.json
  mode       listed runs what ccxt's tests_init.py runs; unlisted runs, in the same way and with the same lines printed,
             the tests of the package that its own list leaves out. Its order test cannot run in Python at any exchange
             (it joins numbers to strings and rounds in a way that Python's ccxt does not know), so the orders are
             placed here and judged by the package's checks.
  arguments  of tests_init.py
  output     the file that takes what is printed
Importing ccxt takes seconds, so it is done once: each lane is a fork.
"""
import importlib
import json
import os
import runpy
import sys
import traceback

packages, queues_file = sys.argv[1:]
tests = os.path.join(packages, 'ccxt', 'test')
sys.path[:0] = [tests, packages]

SYMBOL = 'BTC/USDT:USDT'
UNLISTED = {
    'fetchMarginMode': [SYMBOL],
    'fetchMarketLeverageTiers': [SYMBOL],
    'fetchL2OrderBook': [SYMBOL],
    'fetchTradingFee': [SYMBOL],
    'fetchMyLiquidations': [SYMBOL],
}


def unlisted():
    from tests_sync import testMainClass

    main = testMainClass()
    main.parse_cli_args_and_props()
    exchange = helpers().init_exchange('bitget', {'enableRateLimit': True, 'timeout': 30000})
    main.import_files(exchange)
    main.expand_settings(exchange)
    if main.load_exchange(exchange):
        main.run_tests(exchange, UNLISTED, False)
        orders(exchange)
        helpers().dump('[INFO] END PRIVATE_TESTS bitget')


def orders(exchange):
    """Places orders and lets the package's own checks judge them, as its order test means to."""
    base = importlib.import_module('ccxt.test.exchange.base')
    shared = base.test_shared_methods

    def judged(side, kind, price=None, params={}):
        placed = exchange.create_order(SYMBOL, kind, side, 0.002, price, params)
        base.test_order(exchange, {}, 'createOrder', placed, SYMBOL, exchange.milliseconds())
        return look_up(placed['id'])

    def look_up(order_id):
        order = exchange.fetch_order(order_id, SYMBOL)
        base.test_order(exchange, {}, 'fetchOrder', order, SYMBOL, exchange.milliseconds())
        return order

    def resting(side):
        bid, ask = shared.fetch_best_bid_ask(exchange, 'createOrder', SYMBOL)
        order = judged(side, 'limit', bid * 0.97 if side == 'buy' else ask * 1.03)
        shared.assert_order_state(exchange, {}, 'createOrder', order, 'open', True)
        exchange.cancel_order(order['id'], SYMBOL)
        shared.assert_order_state(exchange, {}, 'cancelOrder', look_up(order['id']), 'canceled', True)

    def taking(side):
        order = judged(side, 'market')
        shared.assert_order_state(exchange, {}, 'createOrder', order, 'closed', True)
        judged('sell' if side == 'buy' else 'buy', 'market', None, {'reduceOnly': True})

    for scenario in (resting, taking):
        for side in ('buy', 'sell'):
            name = 'createOrder:' + scenario.__name__ + ':' + side
            try:
                scenario(side)
                helpers().dump('[INFO] TESTING DONE bitget', name)
            except Exception as error:
                helpers().dump('[TEST_FAILURE] bitget', name, helpers().exception_message(error))


def helpers():
    """Reads the arguments when it is first imported: not before the lane has set them."""
    return importlib.import_module('tests_helpers')


def run(lane):
    output = os.open(lane['output'], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = ['tests_init.py', *lane['arguments']]
    helpers().ROOT_DIR = lane['settings'] + os.sep
    if lane['mode'] == 'listed':
        runpy.run_path(os.path.join(tests, 'tests_init.py'), run_name='__main__')
    else:
        unlisted()


def start(lane):
    pid = os.fork()
    if pid != 0:
        return pid
    try:
        run(lane)
    except SystemExit:
        pass
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


for package in ('ccxt', 'ccxt.async_support', 'ccxt.pro', 'ccxt.prediction'):
    importlib.import_module(package)
with open(queues_file, encoding='utf-8') as file:
    queues = [queue for queue in json.load(file) if queue]
running = {start(queue[0]): queue for queue in queues}
while running:
    pid, _ = os.wait()
    rest = running.pop(pid)[1:]
    if rest:
        running[start(rest[0])] = rest
