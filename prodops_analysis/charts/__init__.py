"""Charts of finished numbers: one look, drawn the same way in every process."""
