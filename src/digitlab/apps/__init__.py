"""Views: what people and programs see. All logic is in the rooms below."""
