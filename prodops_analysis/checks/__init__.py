"""What could pass for an effect: named checks, each with its result, its size and what it does to a verdict."""
