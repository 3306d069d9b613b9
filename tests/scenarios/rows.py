"""The scenarios of the device API's section 10, numbered as there: a table for each group. The id
of a row begins with its number, so `pytest -k AO-3` finds it; rows for bad input bear the number of
the request that they spoil. Rows for Protobuf are skipped until that payload type is served.

Here: how rows are made, and what several groups share.
"""

import pytest

P = {"key1": "value1", "key2": True, "key3": 3.0, "key4": 4,
     "key5": {"someNumber": 42, "someArray": [1, 2, 3], "someNestedObject": {"key": "value"}}}


def row(number, *values):
    return pytest.param(*values, id=number)


def protobuf(*numbers):
    """A test that stands for rows which cannot be served yet, and says so."""
    @pytest.mark.parametrize("number", numbers, ids=numbers)
    def test(number):
        pytest.skip(f"{number}: the Protobuf payload type is not served yet")
    return test


def each(rows, **variants):
    """Every row with every variant, its name behind the number: TS-1-libcoap."""
    return [pytest.param(*one.values, variant, id=f"{one.id}-{name}")
            for one in rows for name, variant in variants.items()]
