"""Training of the shipped page reader's two networks, detector and classifier, together, on synthetic pages."""
