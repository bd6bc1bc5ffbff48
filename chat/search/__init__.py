"""Search over all messages that a person sees: one tokenizer (terms) for both databases, rows that a chore keeps
(indexing), and what is asked of them (query, finding, snippets). docs/search.md.
"""
