"""What slash commands do, a file each; registry has them all. What a command is: chat.runner.commands."""
