"""`python -m tests.bench`: what `make bench` runs; with the word `growth`, what `make bench BENCH_ARGS=growth` runs."""

import sys

from tests.bench import growth, main

if __name__ == "__main__":
    if "growth" in sys.argv:
        growth.main([each for each in sys.argv[1:] if each != "growth"])
    else:
        main.main()
