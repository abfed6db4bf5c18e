"""What is kept outside the database, a file per prefix of the bucket."""
