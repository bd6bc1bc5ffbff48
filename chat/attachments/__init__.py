"""Files that people attach: taken, kept in a storage, used by messages, removed."""
