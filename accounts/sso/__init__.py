"""Single sign-on: people whom another server vouches for: in the browser, by its tokens, by a backend's assertion."""
