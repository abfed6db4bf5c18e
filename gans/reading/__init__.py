"""Every SELECT that people see, as structs, on an engine that is handed in."""
