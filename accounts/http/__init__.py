"""What every HTTP answer of ours is made of, below REST and doors alike."""
