"""What the outcomes mean: statistics, paired comparisons, figures and the HTML report. Imports no torch."""
