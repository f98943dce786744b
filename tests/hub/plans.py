"""What a database would do for a statement, to prove that it stands on an index."""

import re

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ClauseElement, Executable


class Explained(Executable, ClauseElement):
    """A statement's plan instead of its rows."""

    inherit_cache = False

    def __init__(self, statement):
        self.statement = statement


@compiles(Explained)
def _explained(element, compiler, **named):
    word = "EXPLAIN" if compiler.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    return f"{word} {compiler.process(element.statement, **named)}"


def scans(connection, statement, given=None):
    """The steps that read a table from end to end; subqueries have been read already."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET enable_seqscan = off")  # what is left then has no index to stand on
    steps = [step[-1] for step in connection.execute(Explained(statement), given or {})]
    assert steps
    return [step for step in steps if re.search(r"\bSCAN (?!anon_)|Seq Scan", step)]
