"""What people take with them: a chat to read, and as jobs what is larger. docs/exports.md says what each file is."""
