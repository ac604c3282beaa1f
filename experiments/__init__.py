"""The rows of the comparison table: one command measures one, and the table is built from records."""
