"""Who is asking: passwords, tokens, cookies, tickets, keys, guests."""
