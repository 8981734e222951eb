"""LAVIS, where BLIP-2's published weights come from, in an environment of its own: export and cross-check."""
