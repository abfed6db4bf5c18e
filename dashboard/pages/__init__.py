"""The pages: one module each, drawn by its function `page`."""
