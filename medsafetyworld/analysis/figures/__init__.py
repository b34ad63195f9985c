"""Figures of the report: one file a figure, each a function of an analysed run that returns a Matplotlib figure, or None without data."""
