"""The commands: a module a subject. Each reads the settings, does one thing, and says what it did."""
