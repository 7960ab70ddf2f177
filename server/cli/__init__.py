"""The command line, a file a command. A file imports what it runs only when it runs: ``--help`` is quick."""
