"""Pictures and videos made by code, with the truth about what they show: for trying out, measuring and testing."""
