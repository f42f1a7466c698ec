"""Everything that makes the embedded demo model: invented texts with exact graphs, and the base trained on them."""
