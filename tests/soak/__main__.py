"""`python -m tests.soak`: what `make soak` runs."""

from tests.soak.main import main

if __name__ == "__main__":
    main()
