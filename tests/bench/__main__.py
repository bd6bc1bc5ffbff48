"""`python -m tests.bench`: what `make bench` runs; with a word of WORDS, what `make bench BENCH_ARGS=word` runs."""

import sys

from tests.bench import growth, main, rows, scale

WORDS = {"growth": growth.main, "rows": rows.main, "scale": scale.main}

if __name__ == "__main__":
    word = next((each for each in sys.argv[1:] if each in WORDS), None)
    if word is None:
        main.main()
    else:
        WORDS[word]([each for each in sys.argv[1:] if each != word])
