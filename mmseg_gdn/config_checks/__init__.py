"""What of a config nothing would read, and which of its values are of another kind than what reads them takes."""
