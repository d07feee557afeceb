"""The synthetic organisation: a seeded simulator with known effects, and the bundled sample made by it."""
