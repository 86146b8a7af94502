"""A machine's serial line, recorded as it speaks: raw bytes first, meaning when the treatment is over."""
