"""What a project knows: cut into passages, indexed by words and by vectors, searched within one's level."""
