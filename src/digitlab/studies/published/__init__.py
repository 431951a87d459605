"""One file per published study: source, section, expected duration, what varies, published values, conclusions."""
