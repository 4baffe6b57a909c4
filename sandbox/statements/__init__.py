"""The xAPI statements LinkedIn sends: their shape, their variants, and who sends what when."""
