"""How the server runs in containers; the one package in it, compose_test, tries that for real."""
