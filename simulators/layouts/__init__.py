"""One renderer a layout: it prints a simulated treatment as that machine would."""
