"""What is measured and what it means: experiments, trials, statistics, comparisons and reports."""
