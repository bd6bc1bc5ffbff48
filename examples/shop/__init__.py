"""An own app of Parley: rows of yours, and an agent that reads them as the person it works for."""
