"""Gans collects what moves people in a city, keeps it in one SQL database, and decides with it."""

__version__ = "0.1.0"
