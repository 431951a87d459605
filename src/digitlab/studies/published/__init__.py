"""One file a published study: source, section, expected time, what varies, what was printed, what was concluded."""
