"""Pages that code draws, without end, to train and measure what finds digits."""
