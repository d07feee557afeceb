"""Run notebooks and turn them into pages that open anywhere."""
