"""What several packs share."""
