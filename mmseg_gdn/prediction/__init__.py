"""Predictions of single photographs: the model, and the classes painted over the image. Importing it needs nothing."""
