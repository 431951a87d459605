"""Views: what people and programs see. All logic is in the packages below."""
