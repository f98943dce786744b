"""One module a command: ``EXAMPLES``, ``add_arguments`` and ``run``; what is heavy is imported inside ``run``."""
