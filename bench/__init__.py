"""The figures: `make bench` measures what the product costs, on this machine, and prints it. See docs/explanation/bench.md."""
