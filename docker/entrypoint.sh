#!/bin/sh
# The server replaces the shell: a signal to the container reaches it.
set -eu
exec /opt/h2serve/bin/python -m server "$@"
