"""Records: text in git that people write and the kit reads, validated against their templates."""
