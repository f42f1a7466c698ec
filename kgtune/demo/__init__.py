"""Everything that makes the embedded demo model: invented texts with exact graphs, and the small base trained on them."""
