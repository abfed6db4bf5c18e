"""The AWS door: one handler a file, which only opens what the library needs and logs what it did."""
