"""What runs in the process of a candidate: it loads one model and answers requests for blocks of calls."""
