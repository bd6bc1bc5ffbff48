"""Files that people attach: taken, kept in a storage, used by messages, removed. Below the services, above the tables."""
