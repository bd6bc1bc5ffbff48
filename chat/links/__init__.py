"""Links to chats: who has one reads a chat up to a message, as far as the organization lets links open."""
