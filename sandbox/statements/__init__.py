"""The xAPI statements that LinkedIn sends: their shape, their variants, and plans that produce them."""
