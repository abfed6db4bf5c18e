"""Every SELECT that people see, as structs, on an engine that is handed in; and what people write in SQL, apart from all else."""
