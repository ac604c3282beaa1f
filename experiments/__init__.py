"""The rows of the comparison table: one command measures a row, records become the table."""
