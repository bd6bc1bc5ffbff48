"""`python -m tests.bench`: what `make bench` runs; `python -m tests.bench growth`: what `make bench-growth` runs."""

import sys

from tests.bench import main

if __name__ == "__main__":
    if sys.argv[1:2] == ["growth"]:
        from tests.bench import growth

        growth.main(sys.argv[2:])
    else:
        main.main()
