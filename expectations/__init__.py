"""What must hold of the data of each feed: suites of Great Expectations, one module for each feed."""

import sys
from importlib.util import LazyLoader, find_spec, module_from_spec

import scipy  # type: ignore[import-untyped]


def _import_on_use(name: str) -> None:
    """Let a subpackage of scipy be imported when one of its names is first used.

    Great Expectations imports ``scipy.stats`` for tests of distributions, which no suite has: a third of its own import.
    """
    if (
        (spec := find_spec(f"scipy.{name}")) is not None
        and spec.loader is not None
        and spec.name not in sys.modules
    ):
        spec.loader = LazyLoader(spec.loader)
        module = module_from_spec(spec)
        sys.modules[spec.name] = module
        # an import that finds it as an attribute does not look into it, which would import it
        setattr(scipy, name, module)
        spec.loader.exec_module(module)


_import_on_use("stats")
