"""Mathematics without a model: sums, contours, searches, factorisations."""
