"""How the tests draw their cases: the same ones at each run, so that a change is blamed for what it broke.

With EXAMPLES=N in the environment others, and many more of them.
"""

import os

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("EXAMPLES", "0"))
IMPATIENT = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
"""What says more about the machine, or about what is drawn, than about the hub."""


def drawn(few: int = 100, *, shared: bool = False) -> settings:
    """So many cases of a test, however long each takes; ``shared``: its fixtures are one for all of them."""
    allowed = [*IMPATIENT, HealthCheck.function_scoped_fixture] if shared else IMPATIENT
    many = {"max_examples": EXAMPLES or few, "derandomize": not EXAMPLES}
    return settings(**many, database=None, deadline=None, suppress_health_check=allowed)
