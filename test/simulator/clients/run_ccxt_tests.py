"""Starts the exchange tests that ship in the ccxt package, as they are.

run_ccxt_tests.py <packages> <settings> listed|unlisted [arguments of ccxt's own tests_init.py]

<settings> holds the two files that ccxt's tests read beside the package: keys.local.json and skip-tests.json.
listed runs what tests_init.py runs. unlisted runs, in the same way and with the same lines printed, the tests of the
package that its own list leaves out. Its order test cannot run in Python at any exchange (it joins numbers to strings
and rounds in a way that Python's ccxt does not know), so the orders are placed here and judged by the package's checks.
"""
import importlib
import os
import runpy
import sys

packages, settings, mode, *arguments = sys.argv[1:]
tests = os.path.join(packages, 'ccxt', 'test')
sys.path[:0] = [tests, packages]
sys.argv = ['tests_init.py', *arguments]

import tests_helpers  # noqa: E402  it reads the arguments

tests_helpers.ROOT_DIR = settings + os.sep
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
    exchange = tests_helpers.init_exchange('bitget', {'enableRateLimit': True, 'timeout': 30000})
    main.import_files(exchange)
    main.expand_settings(exchange)
    if main.load_exchange(exchange):
        main.run_tests(exchange, UNLISTED, False)
        orders(exchange)
        tests_helpers.dump('[INFO] END PRIVATE_TESTS bitget')


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
                tests_helpers.dump('[INFO] TESTING DONE bitget', name)
            except Exception as error:
                tests_helpers.dump('[TEST_FAILURE] bitget', name, tests_helpers.exception_message(error))


if mode == 'listed':
    runpy.run_path(os.path.join(tests, 'tests_init.py'), run_name='__main__')
else:
    unlisted()
