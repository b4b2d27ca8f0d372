"""Classifiers in scikit-learn's manner, over distances and code lengths."""
