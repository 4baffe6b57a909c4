"""The catalogue sync: plan, one task per range, settle, finish."""
