"""Estimators: arrays in, frozen results out. They know no frames and no words of the domain."""
