"""Gorod runs from its checkout: it can be installed as editable, and builds no wheel. All else is in pyproject.toml."""

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel


class NoWheel(bdist_wheel):
    """A wheel would lack declarations, SQL and suites, which are read and edited in the checkout."""

    def run(self) -> None:
        raise SystemExit("Gorod runs from its checkout and builds no wheel: git clone, then make setup.")


setup(cmdclass={"bdist_wheel": NoWheel})
