"""``python -m sandbox``: see :mod:`sandbox.up`."""

from sandbox.up import main

if __name__ == "__main__":
    raise SystemExit(main())
