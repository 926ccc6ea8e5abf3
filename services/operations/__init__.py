"""What an operator does from the command line: imports, carts, simulations, dead letters, replay."""
