"""What the command line does where that is more than a call: a file a command."""
