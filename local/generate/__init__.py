"""What is made from the code: the dictionary, the answers of the ten questions, the pictures."""
